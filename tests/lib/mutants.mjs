// Takes the account out of one statement after the other and looks whether the
// matrix notices, with the policies off: `script/prove predicates`. One house is
// asked all the time; it is told, by the database's log, which operations run
// which statement, and only those are asked again.
//
//	LETTERRACK_FROM, LETTERRACK_ROUNDS, LETTERRACK_SECONDS, LETTERRACK_SEED,
//	LETTERRACK_TALLY as in crash.h. LETTERRACK_MUTANTS: names of statements,
//	those alone.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Programs, scoped } from './altered.mjs';
import { elsewhere } from './capabilities.mjs';
import { Matrix, idFields } from './matrix.mjs';

const { env } = process;

/** Statements whose account nobody can miss here, and why. */
const idle = {
};

/* Enough for what a statement without an account shows. */
const callers = ['viewer\'s token', 'member\'s token', 'owner\'s token',
	'admin\'s cookie'];

const others = ['sibling', 'twin'];

const yes = (cell) => cell === 'yes';

/** What the matrix asks of some operations: name → [whom, how, whose state must
 * stay as it was]. */
const questions = {
	foreign: (m, ops) => [m.whom(yes, callers, ops),
		(one) => m.foreignAreMissing(one), undefined],
	fields: (m, ops) => [m.whom((cell, o) => yes(cell) &&
		idFields(o).length > 0, callers, ops),
	(one) => m.foreignFieldsAreMissing(one), undefined],
	hidden: (m, ops) => [elsewhere.flatMap((name) => ops
		.filter((o) => o.params.length > 0 || o.method === 'GET')
		.map((o) => [name, o])), (one) => m.oursIsHidden(one), undefined],
	lists: (m, ops) => [['owner\'s token', 'member\'s token'].map((name) =>
		[name, { name: 'all' }]),
	([name]) => m.othersChangeNothing(name, ops), null],
	use: (m, ops) => [m.whom((cell) => yes(cell) || cell === 'me', callers,
		ops), (one) => m.comesIn(one), others],
};

const changed = (a, b) => Object.keys(a).filter((table) =>
	a[table] !== b[table]);

/* What is another with each run says nothing. */
const gist = ({ message }) => message
	.replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+\d\d:\d\d)?/g, '#')
	.replace(/[0-9a-f-]{8,}|\b[a-z]{3}_\d+|cid_[\w-]+|\d{3,}/g, '#')
	.replace(/(id":|\/)\d+/g, '$1#');

/** What goes wrong with an operation, and how. */
async function faultsOf(m, o, found) {
	await m.furnish([o]);
	for (const [question, of] of Object.entries(questions)) {
		const [list, ask, places] = of(m, [o]);
		const was = places === null ? {} : await m.state(places);
		/* One at a time: an account has a share of some responders. */
		for (const one of list)
			await ask(one).catch((error) => found.add(
				`${o.name}: ${question} ${one[0]}: ${gist(error)}`));
		const is = places === null ? {} : await m.state(places);
		for (const table of changed(was, is))
			found.add(`${o.name}: ${question} changed ${table}`);
	}
}

async function faults(m, ops) {
	const found = new Set();
	for (const o of ops)
		await faultsOf(m, o, found);
	return found;
}

/** statement → operations that run it, as the database's log tells. */
async function usage(m) {
	const log = `${m.house.logs}/postgres.log`;
	const used = new Map();
	for (const o of m.all) {
		const from = statSync(log).size;
		const wrong = await faults(m, [o]);
		if (wrong.size > 0)
			throw new Error(`red as it stands: ${[...wrong].join('\n')}`);
		const text = readFileSync(log).subarray(from).toString('latin1');
		for (const [, name] of text.matchAll(/LOG: {2}execute (\w+):/g))
			used.set(name, (used.get(name) ?? new Set()).add(o));
	}
	return used;
}

class Prover {
	static async begin() {
		const it = new Prover();
		it.all = scoped();
		it.programs = new Programs();
		it.m = await Matrix.build({ policies: false,
			prefix: it.programs.prefix, postgres: ['log_statement=all'] });
		it.used = await usage(it.m);
		return it;
	}

	/** What goes wrong in some operations without the account in these. */
	async without(list, ops) {
		await this.m.house.stop('serve');
		this.programs.without(list);
		await this.m.house.start('serve');
		return faults(this.m, ops);
	}

	/** The statements that these operations run beside one. */
	beside(one, ops) {
		return this.all.filter((other) => other.statement !== one.statement &&
			ops.some((o) => this.used.get(other.statement)?.has(o)));
	}

	/** How the account is missed in a statement, if it is. Another statement
	 * may stand before it, and find or refuse the row that it would touch; that
	 * it is a wall nevertheless is seen when all others are gone: then more
	 * goes wrong without it. */
	async missed(one) {
		const ops = [...this.used.get(one.statement)];
		if ((await this.without([one], ops)).size > 0)
			return 'missed';
		const others = this.beside(one, ops);
		if (others.length === 0)
			return undefined;
		const less = await this.without(others, ops);
		for (const what of await faults(this.m, ops))
			less.add(what);
		const more = await this.without([...others, one], ops);
		return [...more].some((what) => !less.has(what)) ? 'missed behind ' +
			others.map(({ statement }) => statement).join(', ') : undefined;
	}
}

/* As if drawn, and the same for a seed. */
const order = (list, seed) => list.map((p, i) => [Math.imul(i + 1,
	2654435761 ^ Math.imul(seed, 40503)) >>> 0, p])
	.sort(([a], [b]) => a - b).map(([, p]) => p);

const tally = (n) => env.LETTERRACK_TALLY &&
	writeFileSync(env.LETTERRACK_TALLY, `${n}\n`);

const wanted = env.LETTERRACK_MUTANTS?.split(/\W+/);
const list = order(scoped().filter(({ statement }) =>
	wanted?.includes(statement) ?? true), Number(env.LETTERRACK_SEED ?? 1));
const from = Number(env.LETTERRACK_FROM ?? 0);
const to = Math.min(list.length,
	from + Number(env.LETTERRACK_ROUNDS ?? list.length));

/** What is to be told of one; an error where its account is not missed. */
async function verdict(it, one) {
	if (!it.used.has(one.statement))
		return 'run by no operation, but by workers:';
	const how = await it.missed(one);
	if (how)
		return idle[one.statement]
			? `${how}, so take it off the list of those that are not,`
			: `${how} in`;
	if (idle[one.statement])
		return `not missed (${idle[one.statement]}) in`;
	process.exitCode = 1;
	return 'NOBODY MISSES the account in';
}

async function prove(it) {
	const end = Date.now() + 1000 * Number(env.LETTERRACK_SECONDS ?? 1e6);
	let n = from;
	for (; n < to && Date.now() < end; n++) {
		const { file, line, statement } = list[n];
		tally(n);
		console.log(await verdict(it, list[n]),
			`${n} of ${list.length}: ${file}:${line} ${statement}`);
	}
	tally(n);
}

/* A run ends with all that it has found, not with the first. */
if (from < to) {
	const it = await Prover.begin();
	try {
		await prove(it);
	} finally {
		await it.m.end();
	}
} else
	tally(from);
