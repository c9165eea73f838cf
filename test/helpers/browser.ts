import { existsSync } from 'node:fs';
import { type Browser, chromium as launcher } from 'playwright-core';

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = paths.find((path) => existsSync(path));

/** Whether a browser is here to test pages in. */
export const hasBrowser = executablePath !== undefined;

/** For the name of what is skipped without a browser. */
export const needsBrowser = hasBrowser ? '' : ' (skipped: no Chromium on this machine)';

/** A headless Chromium that asks nothing of any network. */
export function launchBrowser(): Promise<Browser> {
  return launcher.launch({
    executablePath: executablePath ?? '',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
