//! Where an object's items and its context are. Nearly always that follows from its SID (spec 02 §1.2), so the addresses
//! are not kept but made when something is read: a client follows thousands of objects and reads few of them.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::twilsock::Url;

/// How many beginnings of addresses are kept: of lists and of maps, and one more of each where the service moved.
const BASES: usize = 4;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) enum Links {
    /// It has none.
    #[default]
    None,
    /// `{base}{sid}/Items` and `{base}{sid}/Context`.
    Usual(Arc<str>),
    /// Whatever the service said.
    Other(Box<(Option<Url>, Option<Url>)>),
}

impl Links {
    /// Where the items of this object are.
    pub(super) fn items(&self, sid: &str) -> Option<Url> {
        match self {
            Self::None => None,
            Self::Usual(base) => Url::parse(&format!("{base}{sid}/Items")),
            Self::Other(other) => other.0.clone(),
        }
    }

    /// Where its context is.
    pub(super) fn context(&self, sid: &str) -> Option<Url> {
        match self {
            Self::None => None,
            Self::Usual(base) => Url::parse(&format!("{base}{sid}/Context")),
            Self::Other(other) => other.1.clone(),
        }
    }
}

/// Beginnings that objects share.
#[derive(Debug, Clone, Default)]
pub(super) struct Bases(Vec<Arc<str>>);

impl Bases {
    /// The links of an object, kept as small as can be.
    pub(super) fn links(&mut self, sid: &str, items: Option<Url>, context: Option<Url>) -> Links {
        if items.is_none() && context.is_none() {
            return Links::None;
        }
        if let Some(base) = items.as_ref().and_then(|items| base_of(items, sid)) {
            let links = Links::Usual(self.shared(&base));
            // The round trip is the proof: nothing that the service said is changed.
            if links.items(sid) == items && links.context(sid) == context {
                return links;
            }
        }
        Links::Other(Box::new((items, context)))
    }

    fn shared(&mut self, base: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| &***known == base) {
            return known.clone();
        }
        if self.0.len() >= BASES {
            self.0.remove(0);
        }
        let base = Arc::<str>::from(base);
        self.0.push(base.clone());
        base
    }
}

/// What stands before the SID in the usual address of the items.
fn base_of(items: &Url, sid: &str) -> Option<Box<str>> {
    let path = items.path.strip_suffix("/Items")?.strip_suffix(sid)?;
    Some(format!("https://{}{path}", items.host).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<Url> {
        Url::parse(text)
    }

    #[test]
    fn usual_addresses_are_shared() {
        let mut bases = Bases::default();
        for sid in ["ES1", "ES2"] {
            let items = url(&format!("https://cds.test/v3/Services/IS1/Lists/{sid}/Items"));
            let context = url(&format!("https://cds.test/v3/Services/IS1/Lists/{sid}/Context"));
            let links = bases.links(sid, items.clone(), context.clone());
            assert!(matches!(links, Links::Usual(_)));
            assert_eq!((links.items(sid), links.context(sid)), (items, context));
        }
        assert_eq!(bases.0.len(), 1);
    }

    #[test]
    fn others_are_kept_as_they_are() {
        let mut bases = Bases::default();
        for (items, context) in [
            (url("https://cds.test/ES1/Items?a=b"), url("https://cds.test/ES1/Context")),
            (url("https://cds.test/ES1/Items"), None),
            (url("https://cds.test/ES1/Items"), url("https://other.test/ES1/Context")),
            (url("https://cds.test/Items"), url("https://cds.test/Context")),
            (None, url("https://cds.test/ES1/Context")),
        ] {
            let links = bases.links("ES1", items.clone(), context.clone());
            assert!(matches!(links, Links::Other(_)));
            assert_eq!((links.items("ES1"), links.context("ES1")), (items, context));
        }
        assert!(matches!(bases.links("ET1", None, None), Links::None));
    }

    #[test]
    fn a_service_that_moves_about_does_not_fill_the_memory() {
        let mut bases = Bases::default();
        for n in 0..100 {
            let base = format!("https://cds-{n}.test/Lists/ES1");
            let links = bases.links("ES1", url(&format!("{base}/Items")), url(&format!("{base}/Context")));
            assert_eq!(links.items("ES1"), url(&format!("{base}/Items")));
        }
        assert_eq!(bases.0.len(), BASES);
    }
}
