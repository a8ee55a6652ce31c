// Bad input, generated from the description: each field of each body, each
// parameter of each query and each id of each path, wrong in type, length, range
// and encoding. What is wrong is what the description's schema does not take.
// It is refused in the route's envelope with the name of what is wrong, and
// never with a 500.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { client } from '../lib/api.mjs';
import { each } from '../lib/each.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { operations, valid } from '../lib/requests.mjs';
import { stack } from '../lib/stack.mjs';
import { rows } from '../lib/tenants.mjs';

let house, api, agent, db, them, all, ids;

const ajv = new Ajv2020({ strict: false });
formats(ajv);

/* The rest would end in the middle. */
const leave = new Set(['/auth/logout', '/api/auth/logout', '/auth/sign-out',
	'/logout']);

before(async () => {
	house = await stack();
	agent = new http.Agent({ keepAlive: true });
	api = client(house, {}, { agent });
	db = psql(house);
	them = people(house);
	const documents = [];
	for (const path of ['/openapi.json', '/auth/openapi.json'])
		documents.push((await api.get(path)).json);
	all = operations(documents).filter((o) => !leave.has(o.path));
	const row = rows(db);
	const place = { application: them.application, account: them.account };
	ids = new Map();
	for (const o of all) {
		const list = [];
		for (const kind of o.params)
			list.push(await row(kind, place, list.at(-1)));
		ids.set(o, list);
	}
});

after(async () => {
	agent.destroy();
	db.end();
	await house.end();
});

/** One who may. */
const whoever = (o) => ({ public: {}, own: {}, admin: them.admin,
	'app-admin': them.admin, 'admin-or-self': them.admin })[o.need] ??
	them.owner;

const pathOf = (o, own = ids.get(o)) => {
	let n = 0;
	return o.path.replace(/\{\w+\}/g, () => own[n++]);
};

const ask = (o, path, body, more = { 'content-type': 'application/json' }) =>
	api.as(whoever(o)).request(o.method, path, body,
		body === undefined ? {} : more);

/* What each envelope's errors look like, and where they name fields. */
const envelopes = {
	data: (a) => /^application\/problem\+json/.test(a.headers['content-type']) &&
		a.json.status === a.status && a.json.code && a.json.request_id,
	raw: (a) => a.json.error || envelopes.data(a),
	success: (a) => a.json.success === false && a.json.error && a.json.code,
	page: (a) => envelopes.data(a),
	ok: (a) => a.json.ok === false && a.json.error && a.json.code,
};

const isPage = (a) => /^text\/html/.test(a.headers['content-type'] ?? '');

function refused(o, answer, what, statuses) {
	assert.ok(statuses.includes(answer.status),
		`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
	assert.ok(isPage(answer) || envelopes[o.envelope]?.(answer),
		`${what}: not the envelope ${o.envelope}: ${answer.text}`);
}

/** Fields that an answer names; of OAuth's and of pages, its words. */
const named = (answer, field) => {
	const list = (answer.json?.errors ?? answer.json?.details ?? []);
	return Array.isArray(list) && list.some((e) => e.field === field ||
		e.field.startsWith(`${field}.`) || e.field.startsWith(`${field}[`)) ||
		(answer.json?.error_description ?? answer.json?.detail ?? answer.json
			?.error ?? answer.text).includes(field);
};

/* A list has IM's status for what is wrong in it; the rest has 400. */
const wrong = [400, 422];

const values = [null, true, 7, -1, 0.5, 1e300, '9007199254740993', '',
	'   ', 'x', 'x'.repeat(70000), 'a\nb\u0001', '7', 'abc_1', 'not-a-time', [],
	['x'], [7], [[]], [null], {}, { x: 1 }, { $ne: null },
	Array.from({ length: 1001 }, () => 'x@y.test')];

/** Every field of a schema, objects within objects too: [path, schema]. */
function fields(schema, at = []) {
	return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [
		[[...at, name], inner],
		...fields(inner, [...at, name]),
	]);
}

function put(body, [name, ...rest], value) {
	const inner = rest.length === 0 ? value : put(body?.[name], rest, value);
	return { ...body, [name]: inner };
}

const inBody = (o) => fields(o.schema).flatMap(([at, schema]) => {
	const takes = ajv.compile(schema);
	return values.filter((value) => !takes(value))
		.map((value) => [o, at, value]);
});

/* Bytes in a string's place, which no JSON may hold. */
const bytes = [
	['a NUL', '"a\\u0000b"'],
	['a bare NUL', '"a\0b"'],
	['a lone surrogate', '"a\\ud800b"'],
	['a low surrogate alone', '"\\udc00"'],
	['invalid UTF-8', Buffer.from('22c328ff22', 'hex')],
	['an encoded surrogate', Buffer.from('22eda08022', 'hex')],
	['an overlong form', Buffer.from('22c0af22', 'hex')],
	['a raw newline', '"a\nb"'],
	['a broken escape', '"\\x"'],
	['no value', ''],
	['NaN', 'NaN'],
	['a leading zero', '007'],
	['deep nesting', '['.repeat(64) + ']'.repeat(64)],
	['deeper nesting', '{"a":'.repeat(20000) + '1' + '}'.repeat(20000)],
];

/** A body whose one member is these bytes. */
const bare = (name, value) => Buffer.concat([
	Buffer.from(`{${JSON.stringify(name)}:`), Buffer.from(value),
	Buffer.from('}')]);

const bodies = [
	['an array', '[]'], ['null', 'null'], ['a string', '"x"'], ['a number', '7'],
	['half an object', '{'], ['two objects', '{}{}'], ['what trails', '{} x'],
	['a BOM', '\ufeff{}'], ['a comment', '/**/{}'], ['single quotes', '{\'a\':1}'],
	['a trailing comma', '{"a":1,}'], ['UTF-16', Buffer.from('{}', 'utf16le')],
	['a NUL', '\0'], ['deep arrays', '['.repeat(100000)],
];

const count = (t, list) => {
	t.diagnostic(`${list.length} cases`);
	return list;
};

describe('a body', () => {
	test('with a field that the description does not take', async (t) => {
		const list = count(t, all.filter((o) => o.schema).flatMap(inBody));
		assert.ok(list.length > 1000, `${list.length}`);
		await each(list, async ([o, at, value]) => {
			const { body } = valid(o, {});
			const what = `${o.name} ${at.join('.')} = ${
				JSON.stringify(value).slice(0, 40)}`;
			const answer = await ask(o, pathOf(o), put(body, at, value));
			refused(o, answer, what, wrong);
			assert.ok(named(answer, at[0]), `${what}: ${answer.text}`);
		});
	});

	test('with bytes in a field that are no text', async (t) => {
		const list = count(t, all.filter((o) => o.schema).flatMap((o) =>
			Object.keys(o.schema.properties ?? {}).flatMap((name) =>
				bytes.map((b) => [o, name, ...b]))));
		await each(list, async ([o, name, kind, value]) => {
			const what = `${o.name} ${name}: ${kind}`;
			const answer = await ask(o, pathOf(o), bare(name, value));
			refused(o, answer, what, wrong);
			assert.ok(named(answer, name), `${what}: ${answer.text}`);
		});
	});

	test('with a field twice', async (t) => {
		const list = count(t, all.filter((o) => o.schema).flatMap((o) =>
			Object.keys(o.schema.properties ?? {}).map((name) => [o, name])));
		await each(list, async ([o, name]) => {
			const what = `${o.name} ${name} twice`;
			const key = JSON.stringify(name);
			for (const body of [`{${key}:1,${key}:1}`,
				`{${key}:1,"\\u${name.charCodeAt(0).toString(16)
					.padStart(4, '0')}${name.slice(1)}":2}`]) {
				const answer = await ask(o, pathOf(o), body);
				refused(o, answer, what, wrong);
				assert.ok(named(answer, name), `${what}: ${answer.text}`);
			}
		});
	});

	test('with a field that is not known', async (t) => {
		const list = count(t, all.filter((o) =>
			o.schema?.additionalProperties === false).map((o) => [o]));
		await each(list, async ([o]) => {
			const { body } = valid(o, {});
			for (const name of ['nonsense', '__proto__', 'constructor', 'é', '',
				'x'.repeat(500)]) {
				const text = JSON.stringify(body ?? {}).replace(/}$/,
					`${Object.keys(body ?? {}).length > 0 ? ',' : ''}${
						JSON.stringify(name)}:1}`);
				const answer = await ask(o, pathOf(o), text);
				refused(o, answer, `${o.name} with ${name}`, wrong);
				assert.ok(answer.json.errors.some((e) => e.field === name),
					`${o.name} with ${name}: ${answer.text}`);
			}
		});
	});

	test('that is no object', async (t) => {
		const list = count(t, all.filter((o) => o.schema).flatMap((o) =>
			bodies.map((b) => [o, ...b])));
		await each(list, async ([o, kind, body]) => refused(o,
			await ask(o, pathOf(o), body), `${o.name}: ${kind}`, wrong));
	});

	test('of another type, in a coding, and too large', async (t) => {
		const list = count(t, all.filter((o) => o.schema));
		await each(list, async (o) => {
			const json = { 'content-type': 'application/json' };
			for (const [more, body, status] of [
				[{ 'content-type': 'text/plain' }, '{}', [415]],
				[{ 'content-type': 'application/xml' }, '<a/>', [415]],
				[{ ...json, 'content-encoding': 'gzip' }, '{}', [415]],
				/* 409: it takes large ones, and has been released. */
				[json, `{"a":"${'x'.repeat(1 << 20)}"}`,
					[413, 422, 400, 409]],
			])
				refused(o, await ask(o, pathOf(o), body, more),
					`${o.name} ${JSON.stringify(more)}`, status);
		});
	});
});

/** Does the description take that text for a parameter? */
function takes(schema, text) {
	const type = [schema.type].flat()[0];
	if (type === 'integer')
		return /^(0|-?[1-9]\d{0,17})$/.test(text) &&
			ajv.compile(schema)(Number(text));
	if (type === 'boolean')
		return ['true', 'false', '1', '0'].includes(text);
	return ajv.compile(schema)(text);
}

describe('a query', () => {
	const texts = ['', 'x', '-1', '0', '1.5', '1e3', ' 1', '0x1', '٣',
		'99999999999999999999', 'true ', 'x'.repeat(3000), 'a\u0001b'];

	test('with a parameter that the description does not take', async (t) => {
		const list = count(t, all.flatMap((o) => o.queries.flatMap((q) =>
			texts.filter((text) => !takes(q.schema, text))
				.map((text) => [o, q.name, text]))));
		assert.ok(list.length > 300, `${list.length}`);
		await each(list, async ([o, name, text]) => {
			const what = `${o.name} ${name}=${text.slice(0, 30)}`;
			const answer = await ask(o,
				`${pathOf(o)}?${name}=${encodeURIComponent(text)}`);
			refused(o, answer, what, wrong);
			assert.ok(named(answer, name), `${what}: ${answer.text}`);
		});
	});

	test('with a parameter twice, or whose bytes are no text', async (t) => {
		const list = count(t, all.flatMap((o) => o.queries.flatMap((q) =>
			[`${q.name}=1&${q.name}=1`, `${q.name}=%ff`, `${q.name}=%ed%a0%80`,
				`${q.name}=%`, `${q.name}=%zz`, `${q.name}=a%00b`]
				.map((text) => [o, q.name, text]))));
		await each(list, async ([o, name, text]) => {
			const what = `${o.name} ?${text}`;
			const answer = await ask(o, `${pathOf(o)}?${text}`);
			refused(o, answer, what, wrong);
			assert.ok(named(answer, name), `${what}: ${answer.text}`);
		});
	});
});

describe('a path', () => {
	/* nginx cannot read these, and knows no family for its words. */
	const unread = new Set(['%00', '1%00', '%', '%zz']);
	const odd = ['0', '-1', 'x', '1e3', '0x1', '01', '1.0', '1%20', '%201', '+1',
		'99999999999999999999', '9223372036854775808', '18446744073709551617',
		'%00', '1%00', '%ff', '%ed%a0%80', '%', '%zz', 'a%2fb', '%2e%2e', '..',
		'.', 'é', '1;x', '1\'', '%27%20or%201=1', 'x'.repeat(5000)];

	test('with an id that cannot be one', async (t) => {
		const list = count(t, all.flatMap((o) => o.params.flatMap((_, k) =>
			odd.map((id) => [o, k, id]))));
		assert.ok(list.length > 500, `${list.length}`);
		await each(list, async ([o, k, id]) => {
			const own = ids.get(o).map((was, i) => i === k
				? Buffer.from(id).toString('latin1') : was);
			const { body } = valid(o, {});
			const answer = unread.has(id)
				? await client(house, whoever(o), { agent, record: false })
					.request(o.method, pathOf(o, own), body)
				: await ask(o, pathOf(o, own), body);
			/* dots lead to another path, which may be none or one */
			assert.ok([400, 403, 404, 405].includes(answer.status),
				`${o.name} ${id.slice(0, 30)}: ${answer.status}`);
			assert.ok(answer.json?.code || answer.json?.error,
				`${o.name} ${id.slice(0, 30)}: ${answer.text.slice(0, 200)}`);
		});
	});
});
