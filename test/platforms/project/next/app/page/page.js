'use client';
// The program in the browser, bundled by Next.
import * as core from '@wasm-pool/core';
import * as adapter from '@wasm-pool/wasm-adapter';
import { useEffect } from 'react';
import { runOnPage } from '../../run-on-page.mjs';

let started = false;

export default function Page() {
  useEffect(() => {
    if (started) return; // development runs effects twice
    started = true;
    void runOnPage(core, adapter, {
      worker: () => new Worker(new URL('../../worker.mjs', import.meta.url), { type: 'module' }),
    });
  }, []);
  return <p>The program of test/platforms</p>;
}
