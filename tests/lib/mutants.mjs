// Takes the account out of one statement after the other and looks whether the
// matrix notices, with the policies off: `script/prove predicates`. One house is
// asked all the time; it is told, by the database's log, which operations run
// which statement, and only those are asked again, until one of them is wrong.
//
//	LETTERRACK_SECONDS, LETTERRACK_SEED, LETTERRACK_TALLY as in crash.h.
//	LETTERRACK_STATE: a directory in which verdicts are kept; what stands there
//	of a statement that is still the same is not asked again.
//	LETTERRACK_MUTANTS: beginnings of statements' names, or files; those alone.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync }
	from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Programs, scoped } from './altered.mjs';
import { Matrix } from './matrix.mjs';
import { allFaults, faults, firstFault } from './questions.mjs';
import { idle, ofWorkers, unasked } from './unmissed.mjs';

const { env } = process;
const state = env.LETTERRACK_STATE;
const hash = (text) => createHash('sha256').update(text).digest('base64url');

function kept(name, otherwise) {
	const path = `${state}/${name}`;
	return state && existsSync(path) ? JSON.parse(readFileSync(path))
		: otherwise;
}

const keep = (name, value) => state &&
	writeFileSync(`${state}/${name}`, JSON.stringify(value, null, '\t'));

/** Which statements an operation runs, as the database's log tells; while
 * nothing is changed nothing is wrong. */
async function statementsOf(m, o) {
	const log = `${m.house.logs}/postgres.log`;
	const from = statSync(log).size;
	const wrong = [];
	for await (const [fault] of faults(m, [o]))
		wrong.push(fault);
	if (wrong.length > 0) {
		console.log(`RED AS IT STANDS: ${wrong.join('\n')}`);
		process.exitCode = 1;
	}
	const text = readFileSync(log).subarray(from).toString('latin1');
	return [...new Set([...text.matchAll(/LOG: {2}execute (\w+):/g)]
		.map(([, name]) => name))];
}

/** What decides which statements are run: the programs, and who asks. */
function version(programs) {
	const here = fileURLToPath(new URL('.', import.meta.url));
	return hash([...programs.all.map(({ text }) => hash(text)),
		...['capabilities', 'matrix', 'questions', 'requests', 'tenants']
			.map((name) => hash(readFileSync(`${here}${name}.mjs`)))].join());
}

/** statement → operations that run it. */
async function usage(m, programs) {
	const name = `usage-${version(programs)}.json`;
	const of = kept(name, {});
	for (const o of m.all)
		if (!of[o.name]) {
			of[o.name] = await statementsOf(m, o);
			keep(name, of);
		}
	const used = new Map();
	for (const o of m.all)
		for (const statement of of[o.name])
			used.set(statement, [...used.get(statement) ?? [], o]);
	return used;
}

const brief = (fault) => fault.replace(/\s+/g, ' ').slice(0, 200);

class Prover {
	static async begin() {
		const it = new Prover();
		it.all = scoped();
		it.programs = new Programs();
		await it.house();
		it.used = await usage(it.m, it.programs);
		return it;
	}

	async house() {
		await this.m?.end();
		this.m = await Matrix.build({ policies: false,
			prefix: this.programs.prefix,
			postgres: ['log_statement=all', 'lock_timeout=300ms'] });
	}

	/** Does `ask` while these name no account. */
	async without(list, ask) {
		await this.m.house.stop('serve');
		this.programs.without(list);
		await this.m.house.start('serve');
		return ask();
	}

	/** What goes wrong without these that does not otherwise. What was done
	 * without an account may last; then another house is asked. */
	async faultWithout(list, ops, known) {
		const look = () => this.without(list, () =>
			firstFault(this.m, ops, known));
		const fault = await look();
		if (!fault || !await this.without([], () =>
			firstFault(this.m, [fault[1]])))
			return fault?.[0];
		await this.house();
		return (await look())?.[0];
	}

	/** The statements that these operations run beside one. */
	beside(one, ops) {
		return this.all.filter((other) => other.statement !== one.statement &&
			ops.some((o) => this.used.get(other.statement)?.includes(o)));
	}

	/** What goes wrong without one when these are gone already, and does not
	 * while it stands. */
	async behind(others, one, ops) {
		const less = await this.without(others, () => allFaults(this.m, ops));
		return this.faultWithout([...others, one], ops, less);
	}

	/** How the account is missed in a statement, if it is. Another statement
	 * may stand before it, and find or refuse the row that it would touch; that
	 * it is a wall nevertheless is seen when others are gone: one of them, or
	 * all, which takes long to find out. */
	async missed(one, thorough) {
		const ops = this.used.get(one.statement);
		const fault = await this.faultWithout([one], ops);
		if (fault)
			return `is missed: ${brief(fault)}`;
		if (!thorough)
			return undefined;
		const beside = this.beside(one, ops);
		for (const others of [...beside.map((other) => [other]), beside]) {
			const both = ops.filter((o) => others.some(({ statement }) =>
				this.used.get(statement).includes(o)));
			const more = others.length > 0 &&
				await this.behind(others, one, both);
			if (more)
				return `is missed behind ${others.map(({ statement }) =>
					statement).join(', ')}: ${brief(more)}`;
		}
		return undefined;
	}
}

const cgi = fileURLToPath(new URL('../../cgi-bin/', import.meta.url));
const families = readdirSync(cgi).filter((name) => name.endsWith('.c'))
	.map((name) => [name, readFileSync(`${cgi}${name}`, 'utf8')]);

/** The family's file that calls a statement itself. */
const caller = (statement) => families.find(([, text]) =>
	new RegExp(`\\b${statement}\\(`).test(text))?.[0];

/** The same of one that no operation has run. */
function unrun(statement) {
	if (idle[statement])
		return [false, 'is run by no operation; take it off `idle`'];
	if (unasked[statement])
		return [true, `is not come to here: ${unasked[statement]}`];
	const file = caller(statement);
	if (!file && ofWorkers[statement])
		return [true, `is run by workers: ${ofWorkers[statement]}`];
	return [false, 'IS RUN BY NO OPERATION that the matrix asks' +
		`${file ? `, and called in ${file}` : ''}: have a body of ` +
		'requests.mjs come to it, or rows of tenants.mjs; or say in ' +
		'unmissed.mjs, if workers alone run it, whence they have the account ' +
		'(`ofWorkers`), and of what waits for a server, what stands before ' +
		'it (`unasked`)'];
}

/** What is to be told of a statement, and whether that is all right. */
async function verdict(it, { statement }) {
	const reason = idle[statement];
	if (!it.used.has(statement))
		return unrun(statement);
	if (ofWorkers[statement] || unasked[statement])
		return [false, 'is run by operations; take it off `ofWorkers` and ' +
			'`unasked` of unmissed.mjs'];
	const how = await it.missed(one(it, statement), !reason);
	if (how)
		return [!reason, reason ? `${how}\n\ttake it off \`idle\`` : how];
	return reason ? [true, `is missed by nobody: ${reason}`]
		: [false, 'IS MISSED BY NOBODY: have a question of matrix.mjs show ' +
			'what another account sees or loses (`unnamed` and `crowds` of ' +
			'tenants.mjs make rows for that), or say in `idle` of ' +
			'unmissed.mjs what stands before it'];
}

const one = (it, statement) => it.all.find((s) => s.statement === statement);

const wanted = env.LETTERRACK_MUTANTS?.split(/[^\w.-]+/).filter(Boolean);
const isWanted = ({ file, statement }) => !wanted ||
	wanted.some((word) => statement.startsWith(word) || file === `${word}.sql`);

/* As if drawn, and the same for a seed. */
const drawn = (seed, { statement }) => hash(`${seed} ${statement}`);

const seed = env.LETTERRACK_SEED ?? '1';
const list = scoped().filter(isWanted).sort((a, b) =>
	drawn(seed, a) < drawn(seed, b) ? -1 : 1);

/* Kept by its text: a statement that was changed is asked again. */
const verdicts = kept('verdicts.json', {});
const isDone = ({ statement, text }) =>
	verdicts[statement]?.text === hash(text);

const tally = () => env.LETTERRACK_TALLY && writeFileSync(env.LETTERRACK_TALLY,
	`${list.filter(isDone).length}\n`);

async function prove(it) {
	const end = Date.now() + 1000 * Number(env.LETTERRACK_SECONDS ?? 1e6);
	for (const [n, { file, line, statement, text }] of list.entries()) {
		if (isDone(list[n]))
			continue;
		if (Date.now() >= end)
			break;
		const [right, words] = await verdict(it, list[n]);
		console.log(`${n + 1} of ${list.length}: ${file}:${line} ` +
			`${statement} ${words}`);
		if (right) {
			verdicts[statement] = { text: hash(text), words };
			keep('verdicts.json', verdicts);
		} else
			process.exitCode = 1;
		tally();
	}
}

/* A run ends with all that it has found, not with the first. */
tally();
if (!list.every(isDone)) {
	const it = await Prover.begin();
	try {
		await prove(it);
	} finally {
		await it.m.end();
	}
}
