'use strict';
// A service with the recording proxy in front of it, as one command: node recorded.js FILE [ARGUMENTS OF serve]
// It prints one line as `serve` does, with the proxy's port, and ends both on SIGTERM, the proxy first.
const { spawn } = require('child_process');

const [file, ...args] = process.argv.slice(2);
const parent = process.ppid;
const children = [];
let ending = false;

function start(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn('chat-testkit', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.unshift(child);
    child.once('error', reject);
    child.once('exit', code => { if (!ending) end(code || 1); });
    let text = '';
    child.stdout.on('data', data => {
      text += data;
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))));
    });
  });
}

async function end(code) {
  if (ending) return;
  ending = true;
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    code = (await gone) || code;
  }
  process.exit(code);
}

process.on('SIGTERM', () => end(0));
// Whoever started this may have been killed.
setInterval(() => { if (process.ppid !== parent) end(1); }, 500);

(async () => {
  const served = await start('serve', '--with-parent', ...args);
  const recorded = await start('record', '--upstream', `ws://127.0.0.1:${served.port}/v3/wsconnect`, '--out', file);
  console.log(JSON.stringify({ ...served, port: Number(new URL(recorded.url).port) }));
})().catch(error => { console.error(error); end(1); });
