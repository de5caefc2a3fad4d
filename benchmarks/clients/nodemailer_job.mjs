// What the programs that stand for Nodemailer share: their job, and its messages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS); // where `npm install` put it
export const nodemailer = require('nodemailer');
export const job = JSON.parse(process.argv[2]);

const attachment = job.attachment ? readFileSync(job.attachment) : null;

export const messageOf = number => ({
    from: job.sender,
    to: Array.from({ length: job.recipients }, (_, offset) => job.recipient.replace('{}', number + offset)),
    subject: job.subject.replace('{}', number),
    text: job.text.replaceAll('{number}', number),
    html: job.html.replaceAll('{number}', number) || undefined,
    attachments: attachment ? [{ filename: 'report.bin', content: attachment }] : undefined
});

export const composerOf = message => {
    const Composer = require('nodemailer/lib/mail-composer');
    return new (Composer.default ?? Composer)(message);
};

export const seconds = () => Number(process.hrtime.bigint()) / 1e9;
