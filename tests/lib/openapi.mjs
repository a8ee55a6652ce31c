// The API's description, and whether an answer is what it says.
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const methods = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** "/api/tasks/{id}" as a pattern; literal segments count, from the left. */
function pattern(template) {
	const parts = template.split('/').map((part) => part.startsWith('{')
		? { source: '[^/]+', literal: '0' }
		: { source: part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), literal: '1' });
	return {
		regexp: new RegExp(`^${parts.map((p) => p.source).join('/')}$`),
		weight: parts.map((p) => p.literal).join(''),
	};
}

export class Description {
	constructor(documents) {
		this.documents = documents;
		this.operations = [];
		this.compiled = new Map();
		this.ajv = new Ajv2020({ strict: false, allErrors: true });
		formats(this.ajv);
		documents.forEach((document, i) => {
			this.ajv.addSchema(document, `doc:${i}`);
			for (const [path, item] of Object.entries(document.paths))
				for (const [method, operation] of Object.entries(item))
					if (methods.has(method))
						this.operations.push({ document: i, path, method,
							operation, ...pattern(path) });
		});
		this.operations.sort((a, b) => b.weight.localeCompare(a.weight));
	}

	static async read(url, send) {
		const documents = [];
		for (const path of ['/openapi.json', '/auth/openapi.json']) {
			const answer = await send(url, { method: 'GET', path });
			documents.push(JSON.parse(answer.bytes.toString()));
		}
		return new Description(documents);
	}

	find(method, path) {
		const want = method === 'HEAD' ? 'get' : method.toLowerCase();
		const bare = path.split('?')[0];
		const there = this.operations.filter((o) => o.regexp.test(bare));
		// The most literal template is the one that the server means.
		return there.find((o) =>
			o.weight === there[0].weight && o.method === want);
	}

	validator(operation, status, type) {
		const pointer = ['paths', operation.path, operation.method,
			'responses', status, 'content', type, 'schema']
			.map((p) => encodeURIComponent(
				String(p).replace(/~/g, '~0').replace(/\//g, '~1')))
			.join('/');
		const ref = `doc:${operation.document}#/${pointer}`;
		if (!this.compiled.has(ref))
			this.compiled.set(ref, this.ajv.compile({ $ref: ref }));
		return this.compiled.get(ref);
	}

	/** What is wrong with what a webhook was told; null: nothing. */
	told(body) {
		const { event } = body;
		const ref = `doc:0#/webhooks/${event}/post/requestBody/content/` +
			'application~1json/schema';
		if (!this.documents[0].webhooks[event])
			return `${event} is not described`;
		if (!this.compiled.has(ref))
			this.compiled.set(ref, this.ajv.compile({ $ref: ref }));
		const fits = this.compiled.get(ref);
		return fits(body) ? null
			: `${event}: ${this.ajv.errorsText(fits.errors)}`;
	}

	/** { operation: its name, where one is meant; fault: what is wrong } */
	judge({ method, path, status, headers, json, text }) {
		const found = this.find(method, path);
		if (!found)
			return [400, 401, 404, 405, 413, 414, 429, 502, 503, 504]
				.includes(status) ? {} : { fault: 'no such operation' };
		const operation = `${found.method.toUpperCase()} ${found.path}`;
		const answer = found.operation.responses[status];
		// nginx's own words are its matter.
		if (!answer)
			return [400, 408, 414, 502, 504].includes(status)
				? { operation }
				: { operation, fault: 'the status is not described' };
		if (method === 'HEAD' || status === 204 || status === 304 ||
			!answer.content)
			return text && !answer.content && status !== 304 && text.length
				? { operation, fault: 'a body where none is described' }
				: { operation };
		const type = (headers['content-type'] ?? '').split(';')[0];
		const content = answer.content[type] ?? answer.content['*/*'];
		if (!content)
			return { operation, fault: `type "${type}" is not described` };
		if (!content.schema)
			return { operation };
		const valid = this.validator(found, status, type);
		return valid(json) ? { operation } : {
			operation,
			fault: this.ajv.errorsText(valid.errors, { dataVar: 'answer' }),
		};
	}
}
