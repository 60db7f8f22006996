const cyrillic: Readonly<Record<string, string>> = Object.fromEntries(
  'а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=h ц=ts ч=ch ш=sh щ=sch ы=y э=e ю=yu я=ya ъ= ь='
    .split(' ')
    .map((pair) => pair.split('=')),
);

/** A short name proposed for a title: `Веб-магазин` gives `veb-magazin`. */
export function slugOf(title: string): string {
  return Array.from(title.toLowerCase(), (letter) => cyrillic[letter] ?? letter)
    .join('')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
}
