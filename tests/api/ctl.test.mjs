// letterrackctl: from an empty database to somebody who signs in; keys, users
// and accounts by hand. There is no default secret.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, chmodSync, readdirSync, statSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { sql } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';
import { signIn } from '../lib/tokens.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const PASSWORD = 'tern-gravel-ochre';

function ctl(args, { input = '', env = {} } = {}) {
	const run = spawnSync('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/sbin/letterrackctl`, ...args], {
		input, encoding: 'utf8', timeout: 30000,
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf, ...env },
	});
	return { status: run.status, out: run.stdout.trim(), err: run.stderr };
}

const well = (run) => {
	assert.equal(run.status, 0, run.err);
	return run.out;
};

describe('an empty database', () => {
	let env;
	before(() => {
		const at = (dsn) => dsn.replace('dbname=letterrack', 'dbname=fresh');
		sql(house, 'SELECT 1', house.database_super);
		spawnSync('createdb', ['-O', 'letterrack_owner', '--maintenance-db',
			house.database_super, 'fresh']);
		const keys = mkdtempSync(`${house.state}/data/keys-`);
		chmodSync(keys, 0o777);
		env = { LETTERRACK_DATABASE: at(house.database),
			LETTERRACK_DATABASE_OWNER: at(house.database_owner),
			LETTERRACK_KEY_DIR: `${keys}/new` };
		well(ctl(['migrate'], { env }));
	});
	const init = (more = [], input = `${PASSWORD}\n`) =>
		ctl(['init', '--password-stdin', ...more], { env, input });
	const full = ['--account', 'First', '--owner', 'owner@example.org'];

	for (const [name, args, input] of [
		['no account', ['--owner', 'owner@example.org']],
		['no owner', ['--account', 'First']],
		['an owner that is no address', ['--account', 'First', '--owner', 'x']],
		['no password', full, ''],
		['an empty password', full, '\n'],
		['a short password', full, 'short\n'],
		['a common password', full, 'password123\n'],
		['the demo\'s password', full, 'admin123\n'],
		['the address as password', full, 'owner@example.org\n'],
	])
		test(`init with ${name} says so and makes nothing`, () => {
			const run = init(args, input);
			assert.notEqual(run.status, 0);
			assert.match(run.err, /^letterrackctl init: .{10,}/m);
			assert.match(ctl(['user', 'list'], { env }).err,
				/no such application/);
		});
	test('init makes keys for nobody else to read, and an owner', () => {
		well(init(full));
		const dir = env.LETTERRACK_KEY_DIR;
		assert.equal(statSync(dir).mode & 0o777, 0o700);
		const names = readdirSync(dir);
		assert.ok(names.some((n) => /^token-.+\.pem$/.test(n)));
		assert.ok(names.includes('envelope-1.key'));
		for (const name of names)
			assert.equal(statSync(`${dir}/${name}`).mode & 0o777, 0o600, name);
		assert.match(well(ctl(['user', 'list'], { env })),
			/^uid_1\towner@example\.org\tadmin\tactive\t1:owner$/);
	});
	test('init does it once', () => {
		const run = init(full);
		assert.notEqual(run.status, 0);
		assert.match(run.err, /already/);
	});
	test('keys rotate, and the one that signs is not taken away', () => {
		const listed = () => well(ctl(['key', 'list'], { env })).split('\n');
		const [old] = listed().filter((l) => l.endsWith('signs'));
		const made = well(ctl(['key', 'generate', 'token'], { env }))
			.split(' ')[1];
		assert.ok(listed().includes(old));
		assert.notEqual(ctl(['key', 'retire', old.split(' ')[1]], { env })
			.status, 0);
		well(ctl(['key', 'activate', made], { env }));
		assert.ok(listed().includes(`token ${made} RS256 signs`));
		well(ctl(['key', 'retire', old.split(' ')[1]], { env }));
		assert.equal(well(ctl(['key', 'generate', 'envelope'], { env })),
			'envelope 2');
		assert.ok(listed().includes('envelope 2 wraps'));
		assert.notEqual(ctl(['key', 'activate', 'nobody'], { env }).status, 0);
	});
	test('the demo stays out of a database that is used, and off any host ' +
		'that others reach', () => {
		assert.match(ctl(['demo'], { env }).err, /not empty/);
		assert.match(ctl(['demo'], { env: { ...env,
			LETTERRACK_BASE_URL: 'https://mail.example.org' } }).err,
		/loopback/);
		assert.ok(!/demo/.test(ctl(['--help']).out));
	});
});

describe('by hand', () => {
	test('an account, a member who signs in, another password', async () => {
		const account = well(ctl(['account', 'add', 'By hand']));
		assert.match(well(ctl(['account', 'list'])),
			new RegExp(`^${account}\\tBy hand\\tactive\\t0 members$`, 'm'));
		const user = well(ctl(['user', 'add', 'hand@example.org', '--account',
			account.slice(4), '--role', 'viewer', '--password-stdin'],
		{ input: `${PASSWORD}\n` }));
		const token = await signIn(api, 'hand@example.org', PASSWORD);
		const me = await api.as({ token }).get('/auth/me');
		assert.equal(me.json.id, user);
		assert.equal(me.json.active_membership.account_id, account);
		assert.equal(me.json.active_membership.role, 'viewer');

		well(ctl(['user', 'passwd', 'hand@example.org', '--password-stdin'],
			{ input: `${PASSWORD}-2\n` }));
		assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		assert.equal((await api.post('/auth/sign-in', {
			email: 'hand@example.org', password: PASSWORD })).status, 401);
		await signIn(api, 'hand@example.org', `${PASSWORD}-2`);
	});
	for (const [name, args, input] of [
		['a user without an account', ['user', 'add', 'a@example.org']],
		['an address twice', ['user', 'add', 'DEMO@c-imap.local', '--admin']],
		['a role that is none', ['user', 'add', 'b@example.org', '--account',
			'1', '--role', 'king']],
		['an account of nobody', ['user', 'add', 'c@example.org', '--account',
			'999999']],
		['a password for nobody', ['user', 'passwd', 'nobody@example.org']],
		['a weak password', ['user', 'passwd', 'demo@c-imap.local'],
			'12345678\n'],
		['no verb', ['user']],
		['a verb of nobody', ['key', 'steal']],
	])
		test(`${name} is refused with a sentence`, () => {
			const run = ctl([...args, ...(args[0] === 'user'
				? ['--password-stdin'] : [])],
			{ input: input ?? `${PASSWORD}\n` });
			assert.ok(run.status > 0, `${run.status}`);
			assert.match(run.err, /letterrackctl.*: .{8,}/);
		});
});
