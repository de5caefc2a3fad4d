// Composes each message of the corpus with Nodemailer, reads each given message with postal-mime.
// One JSON document on stdin: {"compose": [data, ...], "parse": [base64, ...]}; one on stdout with the answers.

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const nodemailer = require('nodemailer');
const { default: PostalMime } = await import(pathToFileURL(require.resolve('postal-mime')));

// What JSON cannot say: {"$bytes": base64}, {"$stream": base64}, {"$date": ISO 8601}.
function revive(key, value) {
    if (value && typeof value === 'object') {
        if ('$bytes' in value) return Buffer.from(value.$bytes, 'base64');
        if ('$stream' in value) return Readable.from([Buffer.from(value.$stream, 'base64')]);
        if ('$date' in value) return new Date(value.$date);
    }
    return value;
}

async function compose(data) {
    const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
    try {
        const info = await transport.sendMail(data);
        return { envelope: info.envelope, message: info.message.toString('base64') };
    } catch (error) {
        return { error: error.message };
    }
}

async function parse(message) {
    const parsed = await new PostalMime({ attachmentEncoding: 'base64' }).parse(Buffer.from(message, 'base64'));
    delete parsed.headers;
    delete parsed.headerLines;
    return parsed;
}

const asked = JSON.parse(await text(process.stdin), revive);
const answers = { compose: [], parse: [] };
for (const data of asked.compose) answers.compose.push(await compose(data));
for (const message of asked.parse) answers.parse.push(await parse(message));
process.stdout.write(JSON.stringify(answers));
