import SparrowCore

/// The numbers of the `.sparrow` format, shared by reader and writer. Specified in
/// Schemas/sparrow-container.md.
package enum ContainerLayout {
  /// As PNG's: a byte that is not text, the name, and line ends that text transfers change.
  package static var magic: [UInt8] { [0x89, 0x53, 0x50, 0x52, 0x57, 0x0d, 0x0a, 0x1a] }
  package static var majorVersion: UInt16 { 1 }
  package static var minorVersion: UInt16 { 1 }
  package static var headerSize: Int { 64 }
  /// Where the header's own checksum stands; it counts as zeros there.
  package static var headerChecksumOffset: Int { 12 }
  package static var sectionEntrySize: Int { 48 }
  /// Sections start at multiples of this: the alignment of memory the kernels read.
  package static var alignment: Int { 64 }
  /// The index that stands for an input left out.
  package static var noValue: UInt32 { .max }
  /// Flag bits of a value.
  package static var hasType: UInt8 { 1 }
  package static var isConstant: UInt8 { 2 }

  package static func aligned(_ offset: Int) -> Int {
    (offset + alignment - 1) & ~(alignment - 1)
  }

  // Limits on untrusted files, far beyond real models.
  package static var largestRank: Int { 64 }
  package static var largestDimension: Int { .limit(1 << 40, narrow: TensorType.longestAxis) }
  package static var largestSection: Int { .limit(1 << 48, narrow: 1 << 30) }
  package static var largestGraphSection: Int { 1 << 30 }
  package static var longestString: Int { 1 << 26 }
  /// Deflate makes at most 1032 bytes of one.
  package static var largestInflation: Int { 1032 }
}

/// What a section holds.
package enum SectionKind: UInt16, CaseIterable {
  case graph = 1
  case elements = 2
  case maskBits = 3
  case maskValues = 4
  case rowStarts = 5
  case rowColumns = 6
  case rowValues = 7
  case blockBits = 8
  case blockValues = 9

  package var name: String {
    switch self {
    case .graph: "graph"
    case .elements: "elements"
    case .maskBits: "mask bits"
    case .maskValues: "mask values"
    case .rowStarts: "row starts"
    case .rowColumns: "column indices"
    case .rowValues: "row values"
    case .blockBits: "block bits"
    case .blockValues: "block values"
    }
  }
}

/// How a section's bytes are stored.
package enum SectionCodec: UInt8 {
  case none = 0
  case zlib = 1
}

/// How a tensor is kept, in its record.
package enum StorageCode: UInt8 {
  case dense = 0
  case bitmask = 1
  case compressedRows = 2
  case blocks = 3

  /// The sections it is made of, in the record's order.
  package var parts: [SectionKind] {
    switch self {
    case .dense: [.elements]
    case .bitmask: [.maskBits, .maskValues]
    case .compressedRows: [.rowStarts, .rowColumns, .rowValues]
    case .blocks: [.blockBits, .blockValues]
    }
  }
}

/// The order of a blocked tensor's axes in memory.
package enum ViewLayout: UInt8 {
  /// outputs, inputs, positions
  case outputsFirst = 0
  /// inputs, outputs, positions
  case inputsFirst = 1

  package func view(outputs: Int, inputs: Int, positions: Int) -> WeightView {
    switch self {
    case .outputsFirst: .outputsFirst([outputs, inputs, positions])
    case .inputsFirst:
      WeightView(
        outputs: outputs, inputs: inputs, positions: positions,
        outputStride: positions, inputStride: outputs * positions, positionStride: 1)
    }
  }
}

/// What kind of dimension follows in a type.
package enum DimensionCode: UInt8 {
  case unknown = 0
  case known = 1
  case symbol = 2
}

/// What kind of attribute value follows.
package enum AttributeCode: UInt8 {
  case absent = 0
  case integer = 1
  case float = 2
  case flag = 3
  case integers = 4
  case dtype = 5
  case scalar = 6
  case choice = 7
  case activation = 8
  case floats = 9
  case string = 10
  case choices = 11
  case subgraph = 12
  case numbers = 13
}
