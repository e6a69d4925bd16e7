/** The shapes a message may leave in; names are those of the configuration. */
export const SHAPE_NAMES = ['twin', 'expanded'] as const;
export type ShapeName = (typeof SHAPE_NAMES)[number];
