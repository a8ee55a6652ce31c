// Programs built from other statements than ours, to see what notices.
//
//	const prefix = await unscoped();     // no statement names its account
//	for (const one of scoped()) …        // each statement that does
//	const prefix = await without(one);   // all but that one do
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const queries = here('../../sql/queries/');
const predicate = /\b((?:\w+\.)?(?:parent_)?account_id) = \$1\b/g;

const files = () => readdirSync(queries).filter((n) => n.endsWith('.sql'));
const source = (file) => readFileSync(`${queries}${file}`, 'utf8');

/** Builds what `alter` makes of each file in build/<name>; the prefix. */
async function altered(name, alter) {
	const dir = here(`../../build/${name}`);
	mkdirSync(`${dir}/queries`, { recursive: true });
	for (const file of files())
		writeFileSync(`${dir}/queries/${file}`, alter(file, source(file)));
	const { stdout } = await promisify(execFile)(here('altered.sh'), [dir],
		{ maxBuffer: 1 << 24 });
	return stdout.trim();
}

/** The account is named, and decides nothing. */
const always = '($1 = $$1 OR true)';

export const unscoped = () => altered('unscoped',
	(file, text) => text.replace(predicate, always));

/** [{ file, statement, line, at: [from, to] }] of those that name it. */
export function scoped() {
	return files().flatMap((file) => {
		const text = source(file);
		const starts = [...text.matchAll(/^-- name: (\w+)/gm)];
		return starts.map(({ 1: statement, index }, i) => ({ file, statement,
			line: text.slice(0, index).split('\n').length,
			at: [index, starts[i + 1]?.index ?? text.length] }))
			.filter(({ at }) => text.slice(...at).search(predicate) >= 0);
	});
}

/** All of them but in this one. A single predicate may well be one too many:
 * ids are unique beyond an account, and what a row refers to is its own. */
export const without = ({ file: its, at }) => altered('mutant', (file, text) =>
	file !== its ? text : text.slice(0, at[0]) +
		text.slice(...at).replace(predicate, always) + text.slice(at[1]));
