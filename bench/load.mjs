// Load on PostgreSQL by pgbench and on HTTP by http-load.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { made } from './measure.mjs';

const exec = promisify(execFile);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The text of a statement of sql/queries, `values` in place of $1, $2 … */
export function statement(file, name, values) {
	const text = readFileSync(here(`../sql/queries/${file}.sql`), 'utf8');
	const from = text.indexOf(`-- name: ${name} `);
	const body = text.slice(from, text.indexOf(';', from) + 1)
		.replace(/^--.*\n/gm, '');
	return body.replace(/\$(\d+)/g, (_, n) => values[n - 1]);
}

function postgresProgram(name) {
	const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => b - a);
	return `/usr/lib/postgresql/${versions[0]}/bin/${name}`;
}

/**
 * A script, prepared and with generic plans: { rate, requests }, both of
 * transactions. `who` asks, as the list wants to know, guard or not.
 */
export async function pgbench(dsn, script, { who, clients, seconds }) {
	const { stdout } = await exec(postgresProgram('pgbench'), ['-n',
		'-M', 'prepared', '-c', clients, '-j', Math.min(clients, 2),
		'-T', seconds, '-f', script, dsn], {
		env: { ...process.env, PGOPTIONS: '-c search_path=letterrack'
			+ ' -c plan_cache_mode=force_generic_plan'
			+ ` -c letterrack.account=${who.account}`
			+ ` -c letterrack.user=${who.owner.user}` },
	});
	const failed = /number of failed transactions: (\d+)/.exec(stdout);
	if (failed && failed[1] !== '0')
		throw new Error(`pgbench: ${stdout}`);
	return {
		rate: Number(/tps = ([\d.]+)/.exec(stdout)[1]),
		requests: Number(/processed: (\d+)/.exec(stdout)[1]),
	};
}

/**
 * GETs of the paths in a file, in turn: { rate, p50, p99 } with the latencies
 * in milliseconds. An answer that is not 200 is an error.
 */
export async function load(house, port, paths,
	{ connections, seconds, header = '' }) {
	const { stdout } = await exec('sh', ['-c', 'exec "$0" "$@" <"$paths"',
		made(house, 'http-load'), '--header', header, port, connections,
		seconds], { env: { ...process.env, paths } });
	const result = JSON.parse(stdout);
	if (result.errors > 0 || result.requests === 0)
		throw new Error(`http-load: port ${port}: ${stdout}`);
	return {
		rate: result.requests / (result.us / 1e6),
		p50: result.p50 / 1000,
		p99: result.p99 / 1000,
		requests: result.requests,
	};
}
