'use strict';
// The real SDK, told what to do line by line: a command in, its answer and every event out, as JSON.
//   in:  {"id":N,"do":"sendMessage","with":{...}}
//   out: {"id":N,"ok":...} or {"id":N,"error":{...}}, and {"event":NAME,...} whenever one comes
// Runs beside common.js and token.js, whose views it prints.
const readline = require('readline');
const { Client, EVENTS, view, errorView } = require('./common');

const say = entry => process.stdout.write(JSON.stringify(entry) + '\n');
const [url, token] = process.argv.slice(2);
const client = new Client(token, { logLevel: process.env.SDK_LOG || 'silent', twilsock: { uri: url } });
for (const [name, show] of Object.entries(EVENTS)) client.on(name, arg => say({ event: name, ...show(arg) }));

let channel;
const message = async index => {
  const found = (await channel.getMessages(100)).items.find(m => m.index === index);
  if (!found) throw new Error(`no message ${index}`);
  return found;
};
const own = () => channel.getMemberByIdentity(client.user.identity);

const COMMANDS = {
  ready: () => client.initialize().then(() => client.user.identity),
  create: async a => { channel = await client.createChannel(a); return view.channel(channel); },
  find: async a => { channel = await client.getChannelByUniqueName(a.name); return view.channel(channel); },
  join: async () => { channel = await channel.join(); return view.channel(channel); },
  leave: async () => view.channel(await channel.leave()),
  invite: a => channel.invite(a.who).then(view.none),
  send: a => channel.sendMessage(a.text, a.attributes),
  edit: async a => view.message(await (await message(a.index)).updateBody(a.text)),
  attributes: async a => view.message(await (await message(a.index)).updateAttributes(a.attributes)),
  delete: async a => { await (await message(a.index)).remove(); },
  typing: () => channel.typing().then(view.none),
  memberAttributes: async a => view.member(await (await own()).updateAttributes(a.attributes)),
  channelAttributes: async a => view.channel(await channel.updateAttributes(a.attributes)),
  rename: async a => view.channel(await channel.updateFriendlyName(a.name)),
  channel: () => view.channel(channel),
  messages: async () => (await channel.getMessages(100)).items.map(view.message),
  members: async () => (await channel.getMembers()).map(view.member)
};

const input = readline.createInterface({ input: process.stdin });
let turn = Promise.resolve();
input.on('line', line => {
  turn = turn.then(async () => {
    const { id, do: name, with: args } = JSON.parse(line);
    try {
      const ok = await COMMANDS[name](args || {});
      say({ id, ok: ok === undefined ? null : ok });
    } catch (e) {
      say({ id, error: errorView(e) });
    }
  });
});
input.on('close', () => {
  turn.then(() => client.shutdown()).then(() => process.exit(0), () => process.exit(1));
});
