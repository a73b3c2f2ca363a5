//! TLS before the service, in a process of its own: with a certificate made for this run, and nothing else.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_lite::{future, io};
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::pki_types::PrivateKeyDer;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use smol::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::service::{Service, said};

/// The role `tls`: takes TLS connections and hands what they carry to the port given, until its standard input ends.
pub(crate) fn run(port: u16) -> Outcome<()> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate()?;
    let certificate = root.self_signed(&root_key)?.der().clone();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate()?;
    let own = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(said)?;
    let provider = Arc::new(futures_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let ended = smol::unblock(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let serve = async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!(
            "{}",
            json!({ "port": listener.local_addr()?.port(), "root": BASE64_STANDARD.encode(&certificate) })
        );
        loop {
            let (client, _) = listener.accept().await?;
            smol::spawn(connection(acceptor.clone(), client, port)).detach();
        }
    };
    smol::block_on(future::or(serve, async { ended.await.map(drop) }))?;
    Ok(())
}

/// One connection; an error ends it, as it would end any.
async fn connection(acceptor: TlsAcceptor, client: TcpStream, port: u16) -> io::Result<()> {
    client.set_nodelay(true)?;
    let client = acceptor.accept(client).await?;
    let service = TcpStream::connect(("127.0.0.1", port)).await?;
    service.set_nodelay(true)?;
    let (from_client, to_client) = io::split(client);
    let up = io::copy(from_client, service.clone());
    let down = io::copy(service, to_client);
    future::or(up, down).await.map(drop)
}

/// The process, seen from outside. Dropping it ends it.
pub(crate) struct Front {
    process: Child,
    port: u64,
    root: String,
}

impl Front {
    pub(crate) fn start(service: &Service) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["tls", &service.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let line: Value = serde_json::from_str(&line)?;
        let port = line["port"].as_u64().ok_or("no port")?;
        let root = line["root"].as_str().ok_or("no root")?.to_owned();
        Ok(Self { process, port, root })
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://localhost:{}/v3/wsconnect", self.port)
    }

    /// The certificate to trust, in base64.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
