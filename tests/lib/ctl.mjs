// letterrackctl and letterrack-sync, as the house's user runs them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const args = (house, program, words) => [`--reuid=${house.user}`,
	`--regid=${house.user}`, '--clear-groups', '--',
	`${house.prefix}/${program}`, ...words];

const environment = (house, env = {}) => ({ PATH: process.env.PATH,
	LETTERRACK_CONF: house.conf, ...env });

/** { status, out, err } of a run of the program. */
export function run(house, program, words, { input = '', env } = {}) {
	const ended = spawnSync('setpriv', args(house, program, words), {
		input, encoding: 'utf8', timeout: 60000,
		env: environment(house, env),
	});
	return { status: ended.status, out: ended.stdout.trim(),
		err: ended.stderr };
}

/** The same while this program goes on, and may be what is talked to; with
 * `signal` where it was killed, and `child` at once. */
export function aside(house, program, words, env) {
	const child = spawn('setpriv', args(house, program, words), {
		env: environment(house, env), stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '', err = '';
	child.stdout.on('data', (piece) => { out += piece; });
	child.stderr.on('data', (piece) => { err += piece; });
	const end = once(child, 'close').then(([status, signal]) =>
		({ status, signal, out, err }));
	return Object.assign(end, { child });
}

export const ctl = (house, words, options) =>
	run(house, 'sbin/letterrackctl', words, options);

/** What it printed; it must end with 0. */
export function well(house, words, options) {
	const { status, out, err } = ctl(house, words, options);
	assert.equal(status, 0, err);
	return out;
}

/** Waits until the program has been stopped by its failpoint: what it was started
 * through has become it. */
export async function stopped(child) {
	for (let i = 0; i < 1200; i++) {
		const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
		if (stat.slice(stat.lastIndexOf(')') + 2)[0] === 'T')
			return;
		await pause(25);
	}
	assert.fail('it was not stopped');
}

/** One pass of the sync. */
export function pass(house, words = [], options) {
	const { status, err } = run(house, 'bin/letterrack-sync', words, options);
	assert.equal(status, 0, err);
	return err;
}

/** The same while others run: a promise of its status. */
export async function passBeside(house, words = []) {
	const child = spawn('setpriv',
		args(house, 'bin/letterrack-sync', words),
		{ env: environment(house), stdio: 'ignore' });
	const [status] = await once(child, 'exit');
	return status;
}
