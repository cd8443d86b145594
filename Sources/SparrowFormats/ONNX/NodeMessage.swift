import SparrowCore

/// What the importer needs of ONNX's NodeProto.
struct NodeMessage {
  let wire: WireMessage
  var inputs: [String] = []
  var outputs: [String] = []
  var name = ""
  var opType = ""
  var domain = ""
  /// Tells functions of one name apart.
  var overload = ""
  var attributes: [AttributeMessage] = []

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    while let field = try wire.next() {
      try read(field)
    }
    // The default domain has two spellings.
    if domain == "ai.onnx" { domain = "" }
  }

  private mutating func read(_ field: WireField) throws(FormatError) {
    let source = field.source
    let what = wire.what
    switch field.number {
    case 1:
      inputs.append(try field.string("an input's name of \(what)"))
      try source.check(
        inputs.count, ONNXLimits.nodeValues, "the number of inputs of \(what)", at: field.offset)
    case 2:
      outputs.append(try field.string("an output's name of \(what)"))
      try source.check(
        outputs.count, ONNXLimits.nodeValues, "the number of outputs of \(what)", at: field.offset)
    case 3: name = try field.string("the name of \(what)")
    case 4: opType = try field.string("the op_type of \(what)")
    case 5:
      attributes.append(try AttributeMessage(try field.message("an attribute of \(what)")))
      try source.check(
        attributes.count, ONNXLimits.nodeAttributes, "the number of attributes of \(what)",
        at: field.offset)
    case 7: domain = try field.string("the domain of \(what)")
    case 8: overload = try field.string("the overload of \(what)")
    default: break
    }
  }

  /// The names that the node and the graphs inside it read from where it stands.
  var reads: [String] {
    var result = inputs
    for attribute in attributes { result += attribute.graph?.freeNames ?? [] }
    return result
  }

  /// For messages: `Conv 'layer1.0'`; a node without a name goes by its first output's.
  var label: String { "\(opType) '\(displayName)'" }

  var displayName: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name }
}

/// What the importer needs of ONNX's AttributeProto.
struct AttributeMessage {
  /// AttributeProto.AttributeType, as far as attributes of known operators use it.
  enum Kind: Int32 {
    case float = 1
    case int = 2
    case string = 3
    case tensor = 4
    case graph = 5
    case floats = 6
    case ints = 7
    case strings = 8
    case tensors = 9
    case graphs = 10
    case sparseTensor = 11
    case sparseTensors = 12
    case typeProto = 13
    case typeProtos = 14
  }

  let wire: WireMessage
  var name = ""
  var kind: Kind?
  var float: Float = 0
  var int: Int64 = 0
  var string = ""
  var strings: [String] = []
  var floats: [Float] = []
  var ints: [Int64] = []
  var tensor: TensorMessage?
  var sparseTensor: SparseTensorMessage?
  var graph: GraphMessage?
  /// The attribute of the function around it that it stands for; empty where it has its own value.
  var reference = ""

  var isReference: Bool { !reference.isEmpty }

  init(_ message: WireMessage) throws(FormatError) {
    wire = message
    var wire = message
    var implied: Kind?
    while let field = try wire.next() {
      if let kind = try read(field) { implied = kind }
    }
    // Files from before IR version 2 leave the type out; the field that is set says it.
    kind = kind ?? implied
  }

  /// Reads a field; the kind of attribute that it belongs to where it holds a value.
  private mutating func read(_ field: WireField) throws(FormatError) -> Kind? {
    let what = name.isEmpty ? wire.what : "attribute '\(name)'"
    switch field.number {
    case 1: name = try field.string("the name of \(what)")
    case 2:
      float = try field.float(what)
      return .float
    case 3:
      int = try field.int64(what)
      return .int
    case 4:
      string = try field.string(what)
      return .string
    case 5:
      tensor = try TensorMessage(try field.message("the tensor in \(what)"))
      return .tensor
    case 6:
      graph = try GraphMessage(try field.message("the graph in \(what)").nested())
      return .graph
    case 7:
      try field.appendFloats(to: &floats, "floats in \(what)", limit: ONNXLimits.listEntries)
      return .floats
    case 8:
      try field.appendInt64(to: &ints, "integers in \(what)", limit: ONNXLimits.listEntries)
      return .ints
    case 9:
      strings.append(try field.string("a string of \(what)"))
      try field.source.check(
        strings.count, ONNXLimits.listEntries, "the number of strings in \(what)",
        at: field.offset)
      return .strings
    case 10: return .tensors
    case 11: return .graphs
    case 14: return .typeProto
    case 15: return .typeProtos
    case 20:
      let code = try field.int32("the type of \(what)")
      kind = Kind(rawValue: code)
      guard kind != nil || code == 0 else {
        throw field.source.malformed(field.offset, "\(what) has the unknown type \(code)")
      }
    case 21: reference = try field.string("ref_attr_name of \(what)")
    case 22:
      sparseTensor = try SparseTensorMessage(try field.message("the sparse tensor in \(what)"))
      return .sparseTensor
    case 23: return .sparseTensors
    default: break
    }
    return nil
  }
}

extension AttributeMessage.Kind {
  /// For messages.
  var text: String {
    switch self {
    case .float: "a float"
    case .int: "an integer"
    case .string: "a string"
    case .tensor: "a tensor"
    case .graph: "a graph"
    case .floats: "a list of floats"
    case .ints: "a list of integers"
    case .strings: "a list of strings"
    case .tensors: "a list of tensors"
    case .graphs: "a list of graphs"
    case .sparseTensor: "a sparse tensor"
    case .sparseTensors: "a list of sparse tensors"
    case .typeProto: "a type"
    case .typeProtos: "a list of types"
    }
  }
}
