// Nodemailer's pool.
import { createRequire } from 'node:module';

const require = createRequire(process.env.PEERS); // where `npm install` put it
const nodemailer = require('nodemailer');
const task = JSON.parse(process.argv[2]);

const transport = nodemailer.createTransport({
    pool: true,
    host: '127.0.0.1',
    port: task.port,
    ignoreTLS: true,
    maxConnections: task.connections,
    socketTimeout: task.socket_timeout * 1000,
    auth: task.user ? { user: task.user, pass: task.password } : undefined,
    ...(task.rate_limit ? { rateLimit: task.rate_limit, rateDelta: 1000 } : {})
});

const sleep = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000));
const seconds = () => Number(process.hrtime.bigint()) / 1e9;
const recipientOf = number =>
    `${task.refused_every && number % task.refused_every === 0 ? 'refused' : 'taken'}-${number}@example.org`;
let began = seconds();
const tell = entry => console.log(JSON.stringify({ outcome: '', ...entry, at: seconds() - began }));

const send = async number => {
    try {
        const message = { from: 'news@example.com', to: recipientOf(number), text: `number ${number}` };
        const info = await transport.sendMail(message);
        tell({ number, ok: true, code: '', text: info.response });
    } catch (error) {
        tell({ number, ok: false, code: error.code ?? error.name, text: error.message });
    }
};

if (task.send_after_close) {
    transport.close();
}
began = seconds();
if (task.together) {
    const all = Promise.all(Array.from({ length: task.sends }, (_, number) => send(number)));
    if (task.close_after) {
        await sleep(task.close_after);
        transport.close();
    }
    await all;
} else {
    for (let number = 0; number < task.sends; number++) {
        await sleep(number ? task.pause : 0);
        await send(number);
    }
}
transport.close();
