// The throw-away house of stack.sh for tests in JavaScript.
//
//	const house = await stack({ with: ['dovecot'], mail: true });
//	house.url, house.imap_port, house.ca, house.database …
//	await house.stop('postgres'); await house.start('postgres');
//	await house.end();
//
// Without options the house that the suite's runner has made is shared, where
// there is one; whoever stops parts or changes settings asks for an own one:
// { own: true }.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('stack.sh', import.meta.url));

function args(options) {
	const list = ['hold'];
	if (options.with)
		list.push('--with', options.with.join(','));
	if (options.only)
		list.push('--only', options.only.join(','));
	if (options.mail)
		list.push('--mail');
	if (options.trustProxy)
		list.push('--trust-proxy');
	for (const line of options.set ?? [])
		list.push('--set', line);
	for (const line of options.dovecot ?? [])
		list.push('--dovecot', line);
	for (const setting of options.postgres ?? [])
		list.push('--postgres', setting);
	return list;
}

function shared(options) {
	const text = process.env.LETTERRACK_STACK;
	return text && Object.keys(options).length === 0
		? { ...JSON.parse(text), end: async () => {} }
		: null;
}

/** Lines of a stream, one at a time, in order; an error at its end. */
function lines(stream) {
	const reader = createInterface({ input: stream })[Symbol.asyncIterator]();
	return async () => {
		const { value, done } = await reader.next();
		if (done)
			throw new Error('the stack has ended');
		return JSON.parse(value);
	};
}

export async function stack(options = {}) {
	const common = shared(options);
	if (common)
		return common;
	// Its own session: a Ctrl-C reaches it as the end of its input.
	const child = spawn(script, args(options), {
		detached: true,
		env: options.prefix ? { ...process.env,
			LETTERRACK_PREFIX: options.prefix } : process.env,
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	child.stdin.on('error', () => {});
	const next = lines(child.stdout);
	const house = await next();
	let queue = Promise.resolve();

	function order(...words) {
		const answer = queue.then(async () => {
			child.stdin.write(`${words.join(' ')}\n`);
			const { ok } = await next();
			if (!ok)
				throw new Error(`stack: ${words.join(' ')} failed`);
		});
		queue = answer.catch(() => {});
		return answer;
	}

	return {
		...house,
		start: (part) => order('start', part),
		stop: (part) => order('stop', part),
		kill: (part) => order('kill', part),
		signal: (part, name) => order('signal', part, name),
		async end() {
			const exit = once(child, 'exit');
			child.stdin.end();
			if (child.exitCode === null)
				await exit;
		},
	};
}
