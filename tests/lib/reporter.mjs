// Node's test events as the runner wants them: a line a test, `ok` or `not ok`,
// its names from the outside in; why it failed as comments below.
import { relative } from 'node:path';

function names(stack, data) {
	stack.length = data.nesting;
	stack[data.nesting] = data.name;
	return stack.join(' > ').replace(/[\n#]/g, ' ');
}

/* What Node says of a file as a whole. */
const summary = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

function why(error) {
	const text = error?.cause?.stack ?? error?.stack ?? String(error);
	return text.replace(/^/gm, '# ');
}

export default async function* reporter(source) {
	const stacks = new Map();
	const began = Date.now(), ended = new Map();
	// A test ends after its subtests, so a name is known only from its start.
	for await (const { type, data } of source) {
		const file = data?.file ? relative('.', data.file) : '';
		if (type === 'test:start') {
			const stack = stacks.get(file) ?? [];
			stacks.set(file, stack);
			names(stack, data);
		} else if (type === 'test:pass' || type === 'test:fail') {
			ended.set(file, Date.now());
			// Its subtests have been told already.
			if (data.details?.type === 'suite' && type === 'test:pass')
				continue;
			if (data.details?.error?.failureType === 'subtestsFailed')
				continue;
			// Node 18 and 20 also count a whole file as a test.
			if (data.nesting === 0 && data.name === data.file)
				continue;
			const name = `${file}: ${names(stacks.get(file) ?? [], data)}`;
			if (type === 'test:fail' && data.todo === undefined)
				yield `not ok - ${name}\n${why(data.details.error)}\n`;
			else if (data.skip !== undefined)
				yield `ok - ${name} # SKIP ${data.skip}\n`;
			else
				yield `ok - ${name}\n`;
		} else if (type === 'test:diagnostic' && !summary.test(data.message)) {
			yield `# ${data.message}\n`;
		} else if (type === 'test:stderr' || type === 'test:stdout') {
			yield data.message.replace(/^/gm, '# ').trimEnd() + '\n';
		}
	}
	// One file runs behind the other.
	let last = began;
	for (const [file, at] of ended) {
		yield `# took ${Math.round((at - last) / 1000)} ${
			file.replace(/(\.test)?\.mjs$/, '')}\n`;
		last = at;
	}
}
