import SparrowCore

/// What the importer needs of ONNX's FunctionProto: an operator that the model itself defines.
struct FunctionMessage {
  struct Key: Hashable {
    var domain = ""
    var name = ""
    /// Tells functions of one name apart.
    var overload = ""
  }

  let wire: WireMessage
  var key = Key()
  var inputs: [String] = []
  var outputs: [String] = []
  /// The names of attributes that a call may give.
  var attributes = Set<String>()
  /// Their values where it does not.
  var defaults: [AttributeMessage] = []
  var nodes: [NodeMessage] = []
  var opsets: [ModelMessage.OperatorSet] = []

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      try read(field)
    }
    if key.domain == "ai.onnx" { key.domain = "" }
    attributes.formUnion(defaults.map { $0.name })
  }

  private mutating func read(_ field: WireField) throws(FormatError) {
    let source = field.source
    let what = key.name.isEmpty ? wire.what : "function '\(key.name)'"
    switch field.number {
    case 1: key.name = try field.string("the name of \(what)")
    case 4:
      inputs.append(try field.string("an input's name of \(what)"))
      try source.check(
        inputs.count, ONNXLimits.nodeValues, "the number of inputs of \(what)", at: field.offset)
    case 5:
      outputs.append(try field.string("an output's name of \(what)"))
      try source.check(
        outputs.count, ONNXLimits.nodeValues, "the number of outputs of \(what)", at: field.offset)
    case 6:
      attributes.insert(try field.string("an attribute's name of \(what)"))
      try source.check(
        attributes.count, ONNXLimits.nodeAttributes, "the number of attributes of \(what)",
        at: field.offset)
    case 7:
      nodes.append(try NodeMessage(try field.message("node \(nodes.count) of \(what)")))
      try source.check(
        nodes.count, ONNXLimits.nodes, "the number of nodes of \(what)", at: field.offset)
    case 9:
      opsets.append(try ModelMessage.operatorSet(try field.message("opset_import of \(what)")))
    case 10: key.domain = try field.string("the domain of \(what)")
    case 11:
      defaults.append(try AttributeMessage(try field.message("an attribute of \(what)")))
      try source.check(
        defaults.count, ONNXLimits.nodeAttributes, "the number of attributes of \(what)",
        at: field.offset)
    case 13: key.overload = try field.string("the overload of \(what)")
    default: break
    }
  }
}
