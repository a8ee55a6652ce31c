// The description itself; and which operations no test has asked for. Each
// exchange was checked against it by the file that made it (lib/api.mjs).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { Description } from '../lib/openapi.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, documents, known;

before(async () => {
	house = await stack();
	api = client(house);
	documents = [];
	for (const path of ['/openapi.json', '/auth/openapi.json'])
		documents.push((await api.get(path)).json);
	known = new Description(documents);
});

test('is OpenAPI 3.1 with an operation a path', () => {
	for (const document of documents) {
		assert.equal(document.openapi, '3.1.0');
		assert.ok(Object.keys(document.paths).length > 0);
	}
});

test('names each operation once', () => {
	const ids = known.operations.map((o) => o.operation.operationId);
	assert.deepEqual(ids.filter((id, i) => ids.indexOf(id) !== i), []);
});

test('has each parameter of a path, and a sentence for each', () => {
	for (const { path, method, operation } of known.operations) {
		const name = `${method} ${path}`;
		const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
		const have = operation.parameters.filter((p) => p.in === 'path')
			.map((p) => p.name);
		assert.deepEqual(have, wanted, name);
		assert.ok(operation.summary, `${name}: no summary`);
	}
});

test('every schema compiles', () => {
	for (const found of known.operations)
		for (const [status, answer] of
			Object.entries(found.operation.responses))
			for (const [type, content] of Object.entries(answer.content ?? {}))
				if (content.schema)
					known.validator(found, status, type);
});

test('agrees with GET /api', async () => {
	const { json } = await api.get('/api');
	const listed = Object.values(json.endpoints).flat().sort();
	const described = known.operations
		.map((o) => `${o.method.toUpperCase()} ${o.path}`).sort();
	assert.deepEqual(listed, described);
});

test('counts what was asked', (t) => {
	const dir = `${house.state}/exchanges`;
	const asked = new Set();
	for (const file of readdirSync(dir))
		for (const line of readFileSync(`${dir}/${file}`, 'utf8').split('\n'))
			asked.add(line.replace(/ \d+$/, ''));
	const never = known.operations
		.map((o) => `${o.method.toUpperCase()} ${o.path}`)
		.filter((name) => !asked.has(name));
	t.diagnostic(`${known.operations.length - never.length} of ` +
		`${known.operations.length} operations were asked`);
	for (const name of never)
		console.log(`never asked: ${name}`);
});
