// smtp-server as the interop tests want it: SMTP with STARTTLS, SMTP over TLS and LMTP on three ports of loopback.
// Settings come as one JSON argument: port, tlsPort, lmtpPort, certificate (PEM with key), mail (a directory), user,
// password, token, limit (octets).

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { SMTPServer } = require('smtp-server');

const settings = JSON.parse(process.argv[2]);
const pem = fs.readFileSync(settings.certificate);
let kept = 0;

function refusal(code, text) {
  return Object.assign(new Error(text), { responseCode: code });
}

function onAuth(auth, session, callback) {
  const right = auth.method === 'XOAUTH2'
    ? auth.accessToken === settings.token
    : auth.username === settings.user
      && (auth.method === 'CRAM-MD5' ? auth.validatePassword(settings.password) : auth.password === settings.password);
  if (right) return callback(null, { user: auth.username });
  if (auth.method === 'XOAUTH2') return callback(null, { data: { status: '401', schemes: 'bearer', scope: 'mail' } });
  return callback(refusal(535, '5.7.8 User name or password is wrong'));
}

function onRcptTo(address, session, callback) {
  if (address.address === 'refused@example.com') return callback(refusal(550, '5.1.1 No such user'));
  if (address.address === 'later@example.com') return callback(refusal(451, '4.2.0 Come again'));
  return callback();
}

function onData(stream, session, callback) {
  const pieces = [];
  stream.on('data', (piece) => pieces.push(piece));
  stream.on('end', () => {
    if (stream.sizeExceeded) return callback(refusal(552, '5.3.4 Message is too big'));
    kept += 1;
    const name = path.join(settings.mail, String(kept).padStart(6, '0'));
    fs.writeFileSync(name, Buffer.concat(pieces));
    const answers = session.envelope.rcptTo.map(({ address }) =>
      address === 'full@example.com' ? refusal(452, '4.2.2 Mailbox is full') : `2.0.0 kept as ${kept}`);
    return callback(null, settings.lmtp(session) ? answers : answers[0]);
  });
}

const ordinary = {
  key: pem,
  cert: pem,
  size: settings.limit,
  authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
  authOptional: true,
  hideDSN: false,
  disableReverseLookup: true,
  onAuth,
  onRcptTo,
  onData,
};
settings.lmtp = (session) => session.transmissionType.startsWith('LMTP');

const servers = [
  [settings.lmtpPort, { lmtp: true, disabledCommands: ['AUTH'] }],
  [settings.tlsPort, { secure: true, authOptional: false, hideREQUIRETLS: false }],
  [settings.port, {}],
];
for (const [port, options] of servers) {
  const server = new SMTPServer({ ...ordinary, ...options });
  server.on('error', (error) => console.error(error.message)); // one client's failure is not the end of the server
  server.listen(port, '127.0.0.1');
}
