import { unfit, type Verdict } from '@wasm-pool/core';

/** Whether an instance is fit to be lent again: `true`, or the reason why it is not. It can be posted. */
export type Judgement = true | string;

/** A judgement as core takes it from a factory; `cause` is what made the instance unfit, if known. */
export function verdictOf(judgement: Judgement, cause?: unknown): Verdict {
  return judgement === true || unfit(judgement, cause);
}
