import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';

/** One import of a source file. */
export interface Import {
  /** A bare name as written, or the imported file, relative to `root` and with `/`. */
  readonly target: string;
  /** Erased when the types are: `import type`, `export type` or `import('...')` as a type. */
  readonly typeOnly: boolean;
}

/** Everything a module imports or re-exports, statically, dynamically or as a type. */
export function importsOf(file: string, source: string, root: string): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const { text } = specifier;
    const target = text.startsWith('.')
      ? relative(root, join(dirname(file), text)).replaceAll(sep, '/')
      : text;
    found.push({ target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node.moduleSpecifier, typeOnly);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && isModuleLoad(node.expression)) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest));
  return found;
}

function isModuleLoad(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(callee) && callee.text === 'require';
}

/**
 * A glob as an expression: `*` is anything but a slash, `**` anything, and `<X>` one name, captured
 * as `X`.
 */
export function pattern(text: string): RegExp {
  const source = text
    .replace(/[.+?]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '.*')
    .replace('<X>', '(?<X>[a-z0-9-]+)');
  return new RegExp(`^${source}$`);
}
