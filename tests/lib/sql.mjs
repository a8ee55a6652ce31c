// Questions to the database, answered before the next line of a test runs. One
// connection a process and database is kept, where a psql for each question would
// be a process and a new backend for each.
//
//	const id = sql(house, 'INSERT … RETURNING id');
//
// Statements of one text are one transaction. Rows are lines, columns parted by
// `|`, NULL is empty: as `psql -At -c` prints them. Nothing of a session (roles,
// settings, prepared statements) is left for the next text.
import {
	MessageChannel, Worker, isMainThread, receiveMessageOnPort, workerData,
} from 'node:worker_threads';
import pg from 'pg';

let asked, port;

function begin() {
	const { port1, port2 } = new MessageChannel();
	const signal = new SharedArrayBuffer(4);
	const worker = new Worker(new URL(import.meta.url),
		{ workerData: { port: port2, signal }, transferList: [port2] });
	worker.unref();
	[asked, port] = [new Int32Array(signal), port1];
}

export function sql(house, text, dsn = house.database_super) {
	if (!port)
		begin();
	Atomics.store(asked, 0, 1);
	port.postMessage({ dsn,
		text: `SET search_path = letterrack; ${text}` });
	Atomics.wait(asked, 0, 1);
	const { rows, wrong } = receiveMessageOnPort(port).message;
	if (wrong)
		throw new Error(`${wrong}\nin: ${text}`);
	return rows;
}

// --- the thread that asks ----------------------------------------------------------

const kept = new Map();

/* "host=/run/x dbname=postgres user=postgres" */
const settings = (dsn) => Object.fromEntries(dsn.trim().split(/\s+/)
	.map((word) => word.split(/=(.*)/s).slice(0, 2)));

async function connect(dsn) {
	const { host, port: number, dbname, user, password } = settings(dsn);
	const client = new pg.Client({ host, port: Number(number ?? 5432),
		database: dbname, user, password,
		types: { getTypeParser: () => (value) => value } });
	const forget = () => {
		if (kept.get(dsn) === client)
			kept.delete(dsn);
	};
	client.on('error', forget);
	client.on('end', forget);
	await client.connect();
	kept.set(dsn, client);
	return client;
}

const line = (row) => row.map((value) => value ?? '').join('|');

async function put(client, text) {
	const result = await client.query({ text, rowMode: 'array' });
	await client.query('DISCARD ALL');
	return [result].flat().flatMap(({ rows }) => rows.map(line))
		.join('\n').trim();
}

/* A server that ended since the last text has ended its connections. */
async function ask({ dsn, text }) {
	const client = kept.get(dsn);
	if (!client)
		return put(await connect(dsn), text);
	try {
		return await put(client, text);
	} catch (error) {
		if (error.severity === 'ERROR')
			throw error;
		kept.delete(dsn);
		return put(await connect(dsn), text);
	}
}

const told = ({ severity, message, detail, where }) => [
	severity ? `${severity}:  ${message}` : message,
	detail && `DETAIL:  ${detail}`, where && `CONTEXT:  ${where}`,
].filter(Boolean).join('\n');

if (!isMainThread && workerData?.signal) {
	const answered = new Int32Array(workerData.signal);
	workerData.port.on('message', async (message) => {
		let answer;
		try {
			answer = { rows: await ask(message) };
		} catch (error) {
			kept.get(message.dsn)?.end();
			kept.delete(message.dsn);
			answer = { wrong: told(error) };
		}
		workerData.port.postMessage(answer);
		Atomics.store(answered, 0, 0);
		Atomics.notify(answered, 0);
	});
}
