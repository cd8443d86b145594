import SparrowCore

/// What a model file may ask for at most. Every count that a file controls is checked against one
/// of these before memory is spent on it.
enum ONNXLimits {
  /// protobuf's own limit on a message; larger models keep their weights in external files.
  static let fileBytes = Int(Int32.max)
  static let nodes = 1_000_000
  static let tensors = 1_000_000
  static let functions = 65_536
  /// Graphs inside graphs, and functions that call functions.
  static let nesting = 32
  /// Nodes looked at where functions are expanded and bodies of loops and branches are imported.
  static let expandedNodes = 4_000_000
  /// Inputs and outputs of the graph, each.
  static let graphValues = 65_536
  /// Inputs and outputs of one node, each.
  static let nodeValues = 16_384
  static let nodeAttributes = 256
  /// Entries of a list attribute.
  static let listEntries = 1 << 20
  static let metadataEntries = 65_536
  static let rank = 32
  /// The length of one axis.
  static let dimension = TensorType.longestAxis
  /// Bytes of a name of anything, and of a string attribute.
  static let nameBytes = 1 << 16
  /// Bytes of a metadata value.
  static let metadataBytes = 1 << 24
  /// External files of one model.
  static let externalFiles = 65_536
  /// Elements of a sparse tensor made dense.
  static let sparseElements = 1 << 28

  /// Operator sets of the default domain that the importer knows.
  static let opsets = 1...28
}
