// Figures of Letterrack as a table: see script/bench --help.
import { cpus, loadavg } from 'node:os';
import * as deliver from './deliver.mjs';
import * as http from './http.mjs';
import * as jobs from './jobs.mjs';
import * as login from './login.mjs';
import * as search from './search.mjs';
import * as send from './send.mjs';
import * as smtpd from './smtpd.mjs';
import * as sync from './sync.mjs';
import * as threads from './threads.mjs';
import * as watch from './watch.mjs';

const groups = [http, threads, search, login, sync, jobs, send, deliver,
	watch, smtpd];

function parse(words) {
	const quick = words.includes('--quick');
	const names = words.filter((word) => word !== '--quick');
	const known = groups.flatMap((group) => Object.keys(group.figures));
	const strange = names.find((name) => !known.includes(name));
	if (strange) {
		console.error(`bench: there is no figure '${strange}'; those: ${
			known.join(' ')}`);
		process.exit(64);
	}
	return { quick, wanted: (name) => !names.length || names.includes(name) };
}

const say = (text) => console.error(`bench: ${text}`);

function machine() {
	const model = cpus()[0]?.model.replace(/\s+/g, ' ').trim();
	return `${new Date().toISOString().slice(0, 19)}Z, ${cpus().length} × ${
		model}, load ${loadavg().map((n) => n.toFixed(2)).join(' ')}`;
}

const goal = (row, value) => value === undefined ? ''
	: `${row.most !== undefined ? '≤' : '≥'} ${value}`;

function print(row) {
	const value = row.value === undefined ? '–'
		: row.value.toFixed(row.value < 10 ? 2 : 1);
	console.log([row.figure.padEnd(50), value.padStart(7),
		goal(row, row.least ?? row.most).padStart(8),
		goal(row, row.aim).padStart(8), ` ${row.note ?? ''}`].join(' '));
}

/** One that fails is a line in the table; the others are still measured. */
async function figure(group, name, state) {
	try {
		for (const row of await group.figures[name](state))
			print(row);
	} catch (error) {
		console.log(`${name.padEnd(50)} failed: ${error.message}`);
		process.exitCode = 1;
	}
}

async function run(group, options) {
	const names = Object.keys(group.figures).filter(options.wanted);
	if (!names.length)
		return;
	const state = await group.open({ ...options, say });
	try {
		for (const name of names) {
			say(`${name}, load ${loadavg()[0].toFixed(2)}`);
			await figure(group, name, state);
		}
	} finally {
		await group.close(state);
	}
}

const options = parse(process.argv.slice(2));
console.log(machine());
console.log(['figure'.padEnd(50), 'is'.padStart(7), 'minimum'.padStart(8),
	'aim'.padStart(8), ' from'].join(' '));
for (const group of groups)
	await run(group, options);
console.log(machine());
