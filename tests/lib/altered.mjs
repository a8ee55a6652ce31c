// Programs built from other statements than ours, to see what notices.
//
//	const prefix = await unscoped();     // no statement names its account
//	for (const p of predicates()) …      // each `account_id = $1`
//	const prefix = await without(p);     // all but that one
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

/** [{ file, statement, at, line }], in the order of the files. */
export function predicates() {
	return files().flatMap((file) => {
		const text = source(file);
		return [...text.matchAll(predicate)].map(({ index }) => {
			const before = text.slice(0, index);
			return { file, at: index, line: before.split('\n').length,
				statement: before.match(/^-- name: (\w+)/gm)?.at(-1)
					.slice('-- name: '.length) };
		});
	});
}

export const without = ({ file: its, at }) => altered('mutant',
	(file, text) => text.replace(predicate, (match, column, offset) =>
		file === its && offset === at ? `(${column} = $1 OR true)` : match));
