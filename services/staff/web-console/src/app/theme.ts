import { createVuetify } from 'vuetify';
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg';
import 'vuetify/styles/core';

export const themeChoices = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

/** Colours are chosen so that text on its tonal background keeps 4.5:1 in both themes (checked by browser/). */
const light = {
  dark: false,
  colors: {
    background: '#f6f7f9',
    surface: '#ffffff',
    'surface-light': '#f1f3f6',
    'on-surface': '#1a1f28',
    primary: '#3652cc',
    secondary: '#566074',
    error: '#b3261e',
    warning: '#8a5300',
    success: '#17693b',
    info: '#1d5f9e',
    line: '#e1e5eb',
    muted: '#586174',
  },
};
const dark = {
  dark: true,
  colors: {
    background: '#0e1116',
    surface: '#161a21',
    'surface-light': '#1d222b',
    'on-surface': '#e4e8ef',
    primary: '#96a9ff',
    'on-primary': '#0d1436',
    secondary: '#a4aec0',
    error: '#ff9a8f',
    'on-error': '#3b0906',
    warning: '#f0b45c',
    success: '#6fd69a',
    'on-success': '#05290f',
    info: '#7fbef7',
    line: '#2a313c',
    muted: '#98a2b5',
  },
};

// oxlint-disable-next-line typescript/explicit-module-boundary-types
export function createTheme(choice: ThemeChoice) {
  return createVuetify({
    theme: { defaultTheme: choice, themes: { light, dark } },
    icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
    defaults: {
      VBtn: { variant: 'text', ripple: false },
      VCard: { variant: 'flat', border: true },
      VTextField: { variant: 'outlined', density: 'compact', hideDetails: 'auto', color: 'primary' },
      VTextarea: { variant: 'outlined', density: 'compact', hideDetails: 'auto', color: 'primary' },
      VSwitch: { color: 'primary', hideDetails: 'auto', density: 'compact', inset: true },
      VMenu: { offset: 6 },
    },
  });
}
