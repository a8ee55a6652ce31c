// A real browser, driven as somebody without a mouse would: the pages get no
// script of their own, and each is looked over for what a screen reader needs.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url)
	.resolve('axe-core/axe.min.js'), 'utf8');

/** { page(), end() }; each page has cookies of its own. */
export async function browser() {
	const home = mkdtempSync(join(tmpdir(), 'letterrack-browser-'));
	const chromium = await puppeteer.launch({
		executablePath: '/usr/bin/chromium',
		userDataDir: home,
		// The tests run as root, whom Chromium's sandbox refuses; it sees
		// nothing but our own pages.
		args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
	});

	async function page() {
		const context = await chromium.createBrowserContext();
		const tab = await context.newPage();
		await tab.setJavaScriptEnabled(false);
		const problems = [];
		tab.on('console', (m) => {
			if (m.type() === 'error')
				problems.push(m.text());
		});
		return { tab, problems, ...keyboard(tab) };
	}
	return {
		page,
		end: async () => {
			await chromium.close();
			rmSync(home, { recursive: true, force: true });
		},
	};
}

/** What has the focus, as assistive technology is told of it. */
async function focused(tab) {
	const tree = await tab.accessibility.snapshot({ interestingOnly: false });
	const find = (node) => {
		for (const child of node?.children ?? []) {
			const found = find(child);
			if (found)
				return found;
		}
		return node?.focused && node.role !== 'RootWebArea' ? node : null;
	};
	return find(tree);
}

function keyboard(tab) {
	/** Tabs on until `name` (of a role) has the focus. */
	async function to(role, name) {
		const seen = [];
		for (let i = 0; i < 20; i++) {
			await tab.keyboard.press('Tab');
			const at = await focused(tab);
			if (at?.role === role && at.name.trim() === name)
				return;
			seen.push(`${at?.role} "${at?.name}"`);
		}
		assert.fail(`no ${role} "${name}" by keyboard: ${seen.join(', ')}`);
	}
	async function fill(fields) {
		for (const [name, value] of Object.entries(fields)) {
			await to('textbox', name);
			await tab.keyboard.type(value);
		}
	}
	/** Presses a button, and waits for the page behind it. */
	async function press(name, key = 'Enter') {
		await to('button', name);
		const [answer] = await Promise.all([tab.waitForNavigation(),
			tab.keyboard.press(key)]);
		return answer;
	}
	/** WCAG 2.2 AA, as far as a program can tell. */
	async function check() {
		// Its own script has timers; the page's stay off by its policy.
		await tab.setJavaScriptEnabled(true);
		const found = await tab.evaluate(`${axe}; axe.run(document, { runOnly:
			['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
			'best-practice'] }).then((r) => r.violations.map((v) =>
			v.id + ': ' + v.help + ' ' + v.nodes.map((n) => n.html)))`);
		await tab.setJavaScriptEnabled(false);
		assert.deepEqual(found, [], `${await tab.title()} ${tab.url()}`);
	}
	const text = () => tab.evaluate('document.body.innerText');
	return { to, fill, press, check, text };
}
