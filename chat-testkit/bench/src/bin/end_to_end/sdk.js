'use strict';
// The unmodified JavaScript SDK in a process of its own, told what to do line by line; the same lines as `ours.rs`.
// No listeners but counters, no log.
const readline = require('readline');
const { Client } = require('twilio-chat');

const [url, token] = process.argv.slice(2);
const say = (at, more) => {
  const { user, system } = process.cpuUsage();
  const figures = { cpuUs: user + system, rssKib: Math.round(process.memoryUsage().rss / 1024) };
  process.stdout.write(JSON.stringify({ ...figures, at, ...more }) + '\n');
};

let client;
let awaited = 0;
let seen = 0;

const fail = error => {
  process.stderr.write(`${error.stack || error}\n`);
  process.exit(1);
};

const COMMANDS = {
  async create() {
    client = new Client(token, { logLevel: 'silent', twilsock: { uri: url } });
    client.on('messageAdded', message => {
      if (message.index !== seen) fail(new Error(`message ${message.index} instead of ${seen}`));
      seen += 1;
      if (seen === awaited) say('done', { messages: seen });
    });
    await client.initialize();
    say('created');
  },
  async open(name) {
    await client.getChannelByUniqueName(name);
    say('open');
  },
  async expect(count) {
    seen = 0;
    awaited = Number(count);
    say('armed');
  },
  async figures() { say('figures'); },
  async end() {
    await Promise.race([client.shutdown(), new Promise(done => setTimeout(done, 2000))]);
    process.exit(0);
  }
};

let turn = Promise.resolve();
readline.createInterface({ input: process.stdin }).on('line', line => {
  const [word, ...rest] = line.split(' ');
  turn = turn.then(() => COMMANDS[word](rest.join(' '))).catch(fail);
}).on('close', () => process.exit(0));

say('loaded');
