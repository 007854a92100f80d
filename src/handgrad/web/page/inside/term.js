// Terms of a sum. Each term is a product of factors: {factors, value}.

/** A factor that is a number of the computation: the output (or its gradient) at a path and index. */
export function number(path, index, value) {
  return { path, index, value };
}

/** A factor that is an element of an array of the network, such as "3.weight". */
export function weight(path, name, index, params) {
  return { array: `${path}.${name}`, index, value: params[name].data[index] };
}

/** The product of factors as a term. */
export function product(factors) {
  return { factors, value: factors.reduce((value, factor) => value * factor.value, 1) };
}
