// Nodemailer: its pool, with enough messages under way that no connection waits for one.
import { readFileSync } from 'node:fs';
import { job, messageOf, nodemailer, seconds } from './nodemailer_job.mjs';

const transport = nodemailer.createTransport({
    pool: true,
    host: job.tls ? 'localhost' : '127.0.0.1',
    port: job.port,
    secure: job.tls === 'implicit',
    ignoreTLS: !job.tls,
    tls: job.certificate ? { ca: readFileSync(job.certificate) } : {},
    maxConnections: job.connections,
    maxMessages: job.max_messages || Infinity
});

const cpu = () => Object.values(process.cpuUsage()).reduce((sum, part) => sum + part) / 1e6;
const peak = () => Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]) * 1024 / 1e6;
const several = (count, work) => Promise.all(Array.from({ length: count }, work));

if (!job.count) {
    // connections are opened, and the compiler of V8 gets something to learn from
    const until = seconds() + Math.min(1, job.seconds);
    await several(4 * job.connections, async () => {
        do {
            await transport.sendMail(messageOf(0));
        } while (seconds() < until);
    });
}

let messages = 0;
const began = seconds();
const usedBefore = cpu();
const running = () => (job.count ? messages < job.count : seconds() - began < job.seconds);
await several(4 * job.connections, async () => {
    while (running()) {
        await transport.sendMail(messageOf(++messages));
    }
});
console.log(JSON.stringify({ messages, seconds: seconds() - began, cpu: cpu() - usedBefore, rss: peak() }));
transport.close();
