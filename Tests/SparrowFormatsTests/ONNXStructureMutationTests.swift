import SparrowCore
import SparrowFormats
import Testing

/// One field of a decoded file; lengths are computed anew when it is encoded again, so that a
/// changed number meets the importer and not only the wire format.
private indirect enum Tree {
  case integer(Int, UInt64)
  case fixed(Int, [UInt8])
  case bytes(Int, [UInt8])
  case message(Int, [Tree])

  var encoded: Proto {
    switch self {
    case .integer(let number, let value): .int(number, Int64(bitPattern: value))
    case .fixed(let number, let content):
      .float(number, Float(bitPattern: content.reversed().reduce(0) { $0 << 8 | UInt32($1) }))
    case .bytes(let number, let content): .data(number, content)
    case .message(let number, let fields): .message(number, fields.map { $0.encoded })
    }
  }
}

/// The messages of ONNX's schema by field number, as deep as the importer looks.
private indirect enum Kind {
  case leaf
  case message([Int: Kind])

  static let tensor = Kind.message([:])
  static let value = Kind.message([2: .message([1: .message([2: .message([1: .message([:])])])])])
  static let node = Kind.message([5: .message([5: tensor])])
  static let sparse = Kind.message([1: tensor, 2: tensor])
  static let graph = Kind.message([1: node, 5: tensor, 11: value, 12: value, 15: sparse])
  static let model = Kind.message([7: graph, 8: .message([:])])

  func child(_ number: Int) -> Kind {
    guard case .message(let children) = self else { return .leaf }
    return children[number] ?? .leaf
  }

  func decode(_ bytes: [UInt8]) -> [Tree] {
    var rest = bytes[...]
    func varint() -> UInt64 {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { break }
        shift += 7
      }
      return value
    }
    func take(_ count: Int) -> [UInt8] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    var fields: [Tree] = []
    while !rest.isEmpty {
      let tag = varint()
      let number = Int(tag >> 3)
      switch tag & 7 {
      case 0: fields.append(.integer(number, varint()))
      case 5: fields.append(.fixed(number, take(4)))
      default:
        let content = take(Int(varint()))
        if case .message = child(number) {
          fields.append(.message(number, child(number).decode(content)))
        } else {
          fields.append(.bytes(number, content))
        }
      }
    }
    return fields
  }
}

/// Well-formed files that say absurd things: a graph or an error, never a crash.
@Suite struct ONNXStructureMutationTests {
  static let extremes: [Int64] = [
    .max, .min, -1, 0, 1, 3, 1 << 24, 1 << 31, 1 << 32, 1 << 33, 1 << 62,
  ]

  /// Every file with one integer replaced: a varint, or eight bytes of tensor data.
  private func mutants(_ trees: [Tree]) -> [[Tree]] {
    trees.indices.flatMap { i -> [[Tree]] in
      variants(trees[i]).map { variant in
        var copy = trees
        copy[i] = variant
        return copy
      }
    }
  }

  private func variants(_ tree: Tree) -> [Tree] {
    switch tree {
    case .integer(let number, _):
      return Self.extremes.map { .integer(number, UInt64(bitPattern: $0)) }
    case .fixed(let number, _):
      let values: [Float] = [.infinity, .nan, -1, 0, 1e30]
      return values.map { .fixed(number, Proto.littleEndian([$0])) }
    case .message(let number, let fields):
      return mutants(fields).map { .message(number, $0) }
    case .bytes(let number, let content):
      guard number == 9 else { return [] }
      let values = stride(from: 0, to: min(content.count, 64) / 8 * 8, by: 8)
      return values.flatMap { place in
        Self.extremes.map { value in
          var copy = content
          copy.replaceSubrange(place..<(place + 8), with: Proto.littleEndian(value))
          return .bytes(number, copy)
        }
      }
    }
  }

  private func check(_ bytes: [UInt8]) {
    for mutant in mutants(Kind.model.decode(bytes)) {
      do throws(FormatError) {
        _ = try ONNX.read(Bytes(Proto(mutant.map { $0.encoded })))
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
  }

  @Test(arguments: SampleGraphs.operators + SampleGraphs.varied)
  func absurdNumbers(in op: Op) throws {
    let bytes = try bytes(of: try SampleGraphs.graph(of: op))
    // The tree must say what the file says before its numbers are changed.
    #expect(Proto(Kind.model.decode(bytes).map { $0.encoded }).bytes == bytes)
    check(bytes)
  }

  @Test(arguments: ONNXLiftingTests.attributes + ONNXLiftingTests.meanings)
  func absurdNumbers(in lift: LiftCase) throws {
    check(
      Proto.model(
        opset: lift.opset, domain: lift.domain,
        [.input("x", lift.dims), .output("y")] + lift.parts
      ).bytes)
  }
}
