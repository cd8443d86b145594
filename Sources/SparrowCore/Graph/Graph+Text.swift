extension Graph {
  /// The graph as text, one node a line:
  /// ```
  /// graph mlp(%x: f32[n,784]) -> (%y)
  ///   %h: f32[n,40] = MatMul(%x, @w1: f32[784,40]) {activation=relu}
  /// ```
  /// `%` marks computed values, `@` constants; attributes with default values are left out. Subgraphs
  /// follow the line of their node, further indented.
  public var text: String { text(title: "graph " + name, indentation: "") }

  private func text(title: String, indentation: String) -> String {
    let arguments = inputs.map { "%" + self[$0].name + ": " + (self[$0].type?.text ?? "?") }
    let results = outputs.map { reference($0) }
    let (taken, made) = (arguments.joined(separator: ", "), results.joined(separator: ", "))
    var text = indentation + title + "(" + taken + ") -> (" + made + ")\n"
    for node in nodes { text += self.text(of: node, indentation: indentation + "  ") }
    return text
  }

  private func reference(_ id: ValueID) -> String {
    let value = self[id]
    guard let constant = value.constant else { return "%" + value.name }
    if constant.rank == 0, let scalar = constant.scalarFloat { return "\(scalar)" }
    return "@" + value.name + ": " + TensorType(constant.dtype, shape: constant.shape).text
  }

  private func text(of node: Node, indentation: String) -> String {
    let results = node.outputs.map { "%" + self[$0].name + ": " + (self[$0].type?.text ?? "?") }
    let operands = node.inputs.map { $0.map { reference($0) } ?? "_" }
    var op = node.op
    var printer = AttributePrinter()
    op.visitAttributes(&printer)
    var plain = Op(named: op.name) ?? op
    var defaults = AttributePrinter()
    plain.visitAttributes(&defaults)
    let shown = printer.lines.filter { !defaults.lines.contains($0) }
    let attributes = shown.isEmpty ? "" : " {" + shown.joined(separator: ", ") + "}"
    var text =
      indentation + results.joined(separator: ", ") + " = " + op.name + "("
      + operands.joined(separator: ", ") + ")" + attributes + "\n"
    for (key, graph) in printer.subgraphs {
      text += graph.text(title: key, indentation: indentation + "  ")
    }
    return text
  }
}

/// Prints attributes as `key=value`.
private struct AttributePrinter: AttributeVisitor {
  var lines: [String] = []
  var subgraphs: [(key: String, graph: Graph)] = []

  private mutating func line(_ key: StaticString, _ value: String) {
    lines.append(key.description + "=" + value)
  }

  private func list(_ values: [Int]) -> String {
    "[" + values.map { "\($0)" }.joined(separator: ",") + "]"
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) {
    line(key, "\(value)")
  }
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) {
    line(key, "\(value)")
  }
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) {
    line(key, value ? "true" : "false")
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {
    line(key, list(value))
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {
    if let value { line(key, list(value)) }
  }
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {
    if let value { line(key, "\(value)") }
  }
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) {
    line(key, value.name)
  }
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {
    line(key, value.dtype.name + ":" + "\(value.bits)")
  }
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {
    if let value { line(key, "\(value)") }
  }
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {
    line(key, "[" + value.map { "\($0)" }.joined(separator: ",") + "]")
  }
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) {
    line(key, "'" + value + "'")
  }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {
    line(key, value.name)
  }
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {
    line(key, "[" + value.map { $0.name }.joined(separator: ",") + "]")
  }
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {
    guard let value else { return }
    line(key, value.dtype.name + "[" + value.values.map { "\($0)" }.joined(separator: ",") + "]")
  }
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {
    switch value {
    case .none: break
    case .clip(let a, let b), .hardSigmoid(let a, let b): line(key, "\(value.name)(\(a),\(b))")
    case .relu, .sigmoid, .silu, .tanh, .gelu, .hardSwish: line(key, value.name)
    }
  }
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {
    subgraphs.append((key.description, value.graph))
  }
}
