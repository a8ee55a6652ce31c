// The manual in the browser is the description, whole.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { stack } from '../lib/stack.mjs';

let page, operations;
before(async () => {
	const api = client(await stack());
	page = (await api.get('/docs'));
	operations = [];
	for (const path of ['/openapi.json', '/auth/openapi.json']) {
		const { json } = await api.get(path);
		for (const [of, item] of Object.entries(json.paths))
			for (const [method, operation] of Object.entries(item))
				operations.push({ operation, name: `${method.toUpperCase()} ${
					of.replace(/\{([^}]*)\}/g, ':$1')}` });
	}
});

const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
	.replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&#39;');

describe('GET /docs', () => {
	test('is a page that may load and run nothing', () => {
		assert.equal(page.status, 200);
		assert.match(page.headers['content-type'], /^text\/html/);
		assert.match(page.headers['content-security-policy'],
			/^default-src 'none'/);
		assert.doesNotMatch(page.text, /<script|<img|<link/i);
	});
	test('has every operation, with what it is', () => {
		assert.ok(operations.length > 150);
		for (const { operation, name } of operations)
			assert.ok(page.text.includes(`<code>${name}</code> ${
				escaped(operation.summary ?? '')}</summary>`), name);
	});
	test('has every field of a body, and what it is for', () => {
		for (const { operation, name } of operations) {
			const schema = operation.requestBody?.content['application/json']
				?.schema.properties ?? {};
			const at = page.text.indexOf(`<code>${name}</code> `);
			const part = page.text.slice(at, page.text.indexOf('<summary>', at));
			for (const [field, { description }] of Object.entries(schema)) {
				assert.ok(part.includes(`<code>${field}</code>`),
					`${name}: ${field}`);
				assert.ok(part.includes(escaped(description ?? '')),
					`${name}: ${description}`);
			}
		}
	});
});
