// Takes the account out of one statement after the other and looks whether the
// matrix notices, with the policies off: `script/prove predicates`. Only of statements that the matrix
// makes the responders run; those of the workers are held by the meta tests.
//
//	LETTERRACK_FROM, LETTERRACK_ROUNDS, LETTERRACK_SECONDS, LETTERRACK_SEED,
//	LETTERRACK_TALLY as in crash.h. With LETTERRACK_MUTANT it is the matrix
//	itself that runs, against programs at that prefix.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { scoped, without } from './altered.mjs';
import { matrix } from './matrix.mjs';

const { env } = process;
const self = fileURLToPath(import.meta.url);

/** The matrix in a process of its own: { red, ran: names of statements }. */
function run(prefix) {
	const names = `${tmpdir()}/letterrack-names.${process.pid}`;
	const { status } = spawnSync(process.execPath, ['--test', self], {
		env: { ...env, LETTERRACK_MUTANT: prefix, LETTERRACK_NAMES: names,
			LETTERRACK_STACK: '' },
		stdio: 'ignore',
	});
	const ran = new Set(readFileSync(names, 'utf8').split('\n'));
	rmSync(names);
	return { red: status !== 0, ran };
}

/* As if drawn, and the same for a seed. */
const order = (list, seed) => list.map((p, i) => [Math.imul(i + 1,
	2654435761 ^ Math.imul(seed, 40503)) >>> 0, p])
	.sort(([a], [b]) => a - b).map(([, p]) => p);

async function prove() {
	const whole = run(env.LETTERRACK_PREFIX);
	if (whole.red)
		throw new Error('the matrix is red as it stands');
	const list = order(scoped().filter((p) => whole.ran.has(p.statement)),
		Number(env.LETTERRACK_SEED ?? 1));
	const from = Number(env.LETTERRACK_FROM ?? 0);
	const to = Math.min(list.length,
		from + Number(env.LETTERRACK_ROUNDS ?? list.length));
	const end = Date.now() + 1000 * Number(env.LETTERRACK_SECONDS ?? 1e6);
	for (let n = from; n < to && Date.now() < end; n++) {
		const { file, line, statement } = list[n];
		const what = `${n} of ${list.length}: ${file}:${line} ${statement}`;
		if (env.LETTERRACK_TALLY)
			writeFileSync(env.LETTERRACK_TALLY, `${n}\n`);
		if (!run(await without(list[n])).red) {
			console.error(`nobody misses the account in ${what}`);
			process.exit(1);
		}
		console.log(`missed in ${what}`);
	}
	if (env.LETTERRACK_TALLY)
		writeFileSync(env.LETTERRACK_TALLY, `${to}\n`);
}

/* What the database was asked, as its log tells. */
function ran(house) {
	const names = new Set();
	for (const file of readdirSync(house.logs))
		for (const [, name] of readFileSync(`${house.logs}/${file}`, 'utf8')
			.matchAll(/LOG: {2}execute (\w+):/g))
			names.add(name);
	writeFileSync(env.LETTERRACK_NAMES, [...names].join('\n'));
}

if (env.LETTERRACK_MUTANT)
	matrix('the statements alone', { policies: false,
		prefix: env.LETTERRACK_MUTANT, postgres: ['log_statement=all'],
		end: ran });
else
	await prove();
