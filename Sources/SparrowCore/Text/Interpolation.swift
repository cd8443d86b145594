// What messages are put together by, one copy each: inlined at every place, as the standard library's are, they
// would be a sixth of sparrow-run.
extension DefaultStringInterpolation {
  @inline(never)
  package mutating func appendLiteral(_ literal: String) { append(literal) }

  @inline(never)
  package mutating func appendInterpolation(_ value: String) { append(value) }

  @inline(never)
  package mutating func appendInterpolation(_ value: Int) { append(String(value)) }

  @inline(never)
  private mutating func append(_ text: String) { text.write(to: &self) }
}
