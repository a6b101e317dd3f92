import i18next from 'i18next';
import { beforeAll, describe, expect, test } from 'vitest';
import texts from './de/told.json';
import { bundle, told } from './told';

describe('told', () => {
  beforeAll(async () => {
    await i18next.init({ lng: 'de', fallbackLng: 'en', resources: { en: {}, de: { [bundle]: texts } } });
  });

  test('says what a code means where it was given', () => {
    const given = ['Server says.', 'Do this.'] as const;
    expect(told('reasons', 'not_signed_in', ...given)).toEqual(texts.reasons.not_signed_in);
    expect(told('problems', 'not_signed_in', ...given)).toEqual(texts.reasons.not_signed_in);
    expect(told('failures', 'not_signed_in', ...given)).toEqual(texts.failures.not_signed_in);
    expect(told('failures', 'account_suspended', ...given)).toEqual(texts.reasons.account_suspended);
    expect(told('problems', 'store_unavailable', ...given)).toEqual(texts.failures.store_unavailable);
    expect(told('problems', 'last_admin', ...given)).toEqual(texts.problems.last_admin);
  });

  test('leaves the rest as the server told it', () => {
    expect(told('problems', 'never_heard_of', 'Server says.', 'Do this.')).toEqual({ sentence: 'Server says.', next: 'Do this.' });
    expect(told('reasons', 'last_admin', 'Server says.')).toEqual({ sentence: 'Server says.', next: undefined });
    expect(told('problems', 'constructor', 'Server says.')).toEqual({ sentence: 'Server says.', next: undefined });
  });

  test('leaves English to the server', async () => {
    await i18next.changeLanguage('en');
    expect(told('problems', 'last_admin', 'Server says.')).toEqual({ sentence: 'Server says.', next: undefined });
  });
});
