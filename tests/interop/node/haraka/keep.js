// A plugin of Haraka: refuses the recipients that the interop tests expect to be refused, and keeps every message as a
// file in the directory that the environment variable KEEP_IN names.

'use strict';

const fs = require('node:fs');
const path = require('node:path');

let kept = 0;

exports.hook_rcpt = function (next, connection, [recipient]) {
  if (recipient.address === 'refused@example.com') return next(DENY, '5.1.1 No such user');
  if (recipient.address === 'later@example.com') return next(DENYSOFT, '4.2.0 Come again');
  return next(OK);
};

function keep(next, connection) {
  kept += 1;
  const file = fs.createWriteStream(path.join(process.env.KEEP_IN, String(kept).padStart(6, '0')));
  file.once('close', () => next(OK, `kept as ${kept}`));
  connection.transaction.message_stream.pipe(file);
};

exports.hook_queue = keep;
exports.hook_queue_outbound = keep; // of those who have logged in
