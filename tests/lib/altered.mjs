// Programs whose statements are others than ours, to see what notices. Their text
// is changed where it stands in the programs, by one of the same length, so that
// nothing is built: a statement more or less takes no time.
//
//	const prefix = unscoped();         // no statement names its account
//	const programs = new Programs();   // at programs.prefix, as they are
//	for (const one of scoped())        // each statement that names it
//		programs.without([one]);       // all but that one do
import { cpSync, readFileSync, readdirSync, renameSync, rmSync, statSync,
	writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const queries = here('../../sql/queries/');
const predicate = /\b(?:\w+\.)?(?:parent_)?account_id = \$1(?!\d)/g;

/* The account is named, and decides nothing. */
const always = (was) => '$1 > 0'.padEnd(was.length);

/** As sql/typed.awk writes it: without comments and empty lines. */
const bare = (text) => text.slice(0, text.indexOf(';')).split('\n')
	.map((line) => line.replace(/--.*$/, '').trimEnd())
	.filter((line) => line).join('\n');

/** [{ file, statement, line, text }] of those that name their account. */
export function scoped() {
	return readdirSync(queries).filter((n) => n.endsWith('.sql')).sort()
		.flatMap((file) => {
			const all = readFileSync(`${queries}${file}`, 'utf8');
			const starts = [...all.matchAll(/^-- name: (\w+).*$/gm)];
			return starts.map(({ 0: head, 1: statement, index }) => ({
				file, statement, line: all.slice(0, index).split('\n').length,
				text: bare(all.slice(index + head.length)
					.replace(/^--.*$/gm, '')),
			}));
		}).filter(({ text }) => text.search(predicate) >= 0);
}

/** A copy of what is installed, whose responders can be changed. */
export class Programs {
	constructor(name = 'mutant') {
		const from = process.env.LETTERRACK_PREFIX ?? here('../../build/root');
		this.prefix = here(`../../build/${name}/root`);
		rmSync(this.prefix, { recursive: true, force: true });
		cpSync(from, this.prefix, { recursive: true, verbatimSymlinks: true });
		const dir = `${this.prefix}/libexec/letterrack`;
		this.all = readdirSync(dir).map((file) => ({ path: `${dir}/${file}`,
			text: readFileSync(`${dir}/${file}`, 'latin1') }));
	}

	/** Those that run have the old file until they end. */
	write(alter) {
		for (const one of this.all) {
			const text = alter(one.text);
			if (text.length !== one.text.length)
				throw new Error(`${one.path}: of another length`);
			if (text === (one.now ?? one.text))
				continue;
			one.now = text;
			writeFileSync(`${one.path}.new`, text, { encoding: 'latin1',
				mode: statSync(one.path).mode });
			renameSync(`${one.path}.new`, one.path);
		}
	}

	/** All statements name their account but these. */
	without(list) {
		for (const { text, statement } of list)
			if (!this.all.some((one) => one.text.includes(text)))
				throw new Error(`no program has ${statement}`);
		this.write((all) => list.reduce((now, { text }) =>
			now.replaceAll(text, text.replace(predicate, always)
				.replaceAll('$', '$$$$')), all));
	}
}

export function unscoped() {
	const programs = new Programs('unscoped');
	programs.write((text) => text.replace(predicate, always));
	return programs.prefix;
}
