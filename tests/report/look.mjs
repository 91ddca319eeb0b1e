// Opens a page in a headless browser, as a phone, a desktop and a printer would, in every scheme:
//   look.mjs CHROMIUM PAGE FOLDER
// What it finds is printed; the pictures are for people. Fails where the page asks for anything,
// runs a script, is wider than the screen, or breaks a rule of axe-core.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(process.cwd(), 'x.js'));
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [chromium, page, folder] = process.argv.slice(2);

const looks = [
  { name: 'desktop', width: 1280, features: {} },
  { name: 'desktop-dark', width: 1280, features: { 'prefers-color-scheme': 'dark' } },
  { name: 'desktop-contrast', width: 1280, features: { 'prefers-contrast': 'more' } },
  { name: 'phone', width: 360, features: {} },
  { name: 'phone-dark-contrast', width: 360, features: { 'prefers-color-scheme': 'dark', 'prefers-contrast': 'more' } },
];

const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox'], headless: 'shell' });
const wrong = [];
try {
  for (const look of looks) {
    const tab = await browser.newPage();
    await tab.setBypassCSP(true); // for axe alone: the page itself is looked at by its requests
    await tab.setViewport({ width: look.width, height: 900 });
    const session = await tab.createCDPSession();
    const features = Object.entries(look.features).map(([name, value]) => ({ name, value }));
    await session.send('Emulation.setEmulatedMedia', { features });
    const asked = [];
    tab.on('request', (request) => asked.push(request.url()));
    tab.on('pageerror', (error) => wrong.push(`${look.name}: ${error}`));
    tab.on('console', (line) => wrong.push(`${look.name}: ${line.text()}`));
    const address = pathToFileURL(page).href;
    await tab.goto(address);
    for (const other of asked.filter((url) => url !== address && !url.endsWith('/favicon.ico'))) {
      wrong.push(`${look.name}: it asks for ${other}`);
    }
    const found = await tab.evaluate(() => ({
      title: document.title,
      scripts: document.querySelectorAll('script').length,
      plots: [...document.querySelectorAll('svg')].map((svg) => {
        const box = svg.getBoundingClientRect();
        return {
          title: svg.querySelector('title').textContent,
          bars: svg.querySelectorAll('rect').length,
          size: [Math.round(box.width), Math.round(box.height)],
          outside: [...svg.querySelectorAll('rect, text')].filter((it) => {
            const inner = it.getBoundingClientRect();
            return inner.left < box.left - 1 || inner.right > box.right + 1 || inner.top < box.top - 1 || inner.bottom > box.bottom + 1;
          }).map((it) => it.textContent.trim() || it.getAttribute('class')),
        };
      }),
      tables: document.querySelectorAll('table').length,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }));
    if (found.scripts !== 0 || found.title === 'broken') wrong.push(`${look.name}: a name became code`);
    if (found.wide > 0) wrong.push(`${look.name}: ${found.wide} pixels wider than the screen`);
    if (found.plots.length === 0 || found.plots.length !== found.tables) wrong.push(`${look.name}: ${found.plots.length} plots, ${found.tables} tables`);
    for (const plot of found.plots) {
      if (plot.bars === 0 || plot.size[0] < 200) wrong.push(`${look.name}: ${JSON.stringify(plot)}`);
      if (plot.outside.length > 0) wrong.push(`${look.name}: ${plot.title}: outside the drawing: ${plot.outside.join(', ')}`);
    }
    await tab.evaluate(axe);
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const checked = await tab.evaluate((tags) => axe.run(document, { runOnly: tags }), rules);
    for (const broken of checked.violations) {
      wrong.push(`${look.name}: axe ${broken.id}: ${broken.help}: ${broken.nodes.slice(0, 3).map((it) => it.html.slice(0, 160)).join(' | ')}`);
    }
    console.log(`${look.name}: ${found.plots.length} plots, ${checked.passes.length} rules of axe-core hold`);
    await tab.screenshot({ path: path.join(folder, `${look.name}.png`), fullPage: true });
    if (look.name === 'desktop') await tab.pdf({ path: path.join(folder, 'paper.pdf'), format: 'A4', margin: { top: '1cm', bottom: '1cm', left: '1cm', right: '1cm' } });
    await tab.close();
  }
} finally {
  await browser.close();
}
for (const line of wrong) console.log(`WRONG: ${line}`);
process.exit(wrong.length === 0 ? 0 : 1);
