import SparrowCore

/// The shapes a model's inputs get where the model itself leaves them open.
public struct InputShapes: Sendable {
  /// By input name.
  public var shapes: [String: [Int]]
  /// What an open first dimension becomes.
  public var batch: Int

  public init(_ shapes: [String: [Int]] = [:], batch: Int = 1) {
    (self.shapes, self.batch) = (shapes, batch)
  }

  /// Reads `NAME:1,3,224,224`.
  public static func parse(_ text: String) throws(InputError) -> (name: String, shape: [Int]) {
    guard let colon = text.lastIndex(of: ":") else { throw malformed(text) }
    var shape: [Int] = []
    for part in text[text.index(after: colon)...].split(
      separator: ",", omittingEmptySubsequences: false)
    {
      guard let dimension = Int(part), dimension >= 0 else { throw malformed(text) }
      shape.append(dimension)
    }
    guard !text[..<colon].isEmpty, shape.checkedElementCount != nil else { throw malformed(text) }
    return (String(text[..<colon]), shape)
  }

  private static func malformed(_ text: String) -> InputError {
    .setting("'\(text)' is not an input shape, expected NAME:1,3,224,224")
  }
}

extension Graph {
  /// A concrete shape for each input, in order: the given one, else the declared one with the batch
  /// for an open first dimension and, for other named dimensions, what given shapes make of them.
  public func inputShapes(_ given: InputShapes) throws(InputError) -> [[Int]] {
    let types = try inputTypes()
    try checkShapes(given.shapes)
    var symbols: [String: Int] = [:]
    for (name, type) in types {
      guard let shape = given.shapes[name] else { continue }
      for (dimension, length) in zip(type.dimensions ?? [], shape) {
        if case .symbol(let symbol) = dimension { symbols[symbol] = length }
      }
    }
    var result: [[Int]] = []
    for (name, type) in types {
      if let shape = given.shapes[name] {
        result.append(shape)
      } else {
        result.append(try closed(type, of: name, given.batch, symbols))
      }
    }
    return result
  }

  /// Throws unless every shape is of an input and fits what the model declares.
  public func checkShapes(_ shapes: [String: [Int]]) throws(InputError) {
    let types = try inputTypes()
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      guard let type = types.first(where: { $0.name == name })?.type else {
        throw .input(unknownInput(name))
      }
      try check(TensorType(type.dtype, shape: shape), against: type, of: name)
    }
  }

  private func closed(
    _ type: TensorType, of name: String, _ batch: Int, _ symbols: [String: Int]
  ) throws(InputError) -> [Int] {
    var shape: [Int] = []
    for (i, dimension) in (type.dimensions ?? [.unknown, .unknown]).enumerated() {
      switch dimension {
      case .known(let length):
        guard i > 0 || batch == 1 || batch == length else {
          throw .input(
            "input '\(name)' is \(type.text), its batch is fixed to \(length); "
              + "found batch \(batch)")
        }
        shape.append(length)
      case .symbol(let symbol) where symbols[symbol] != nil: shape.append(symbols[symbol] ?? 1)
      case .symbol where i == 0, .unknown where i == 0: shape.append(batch)
      case .symbol, .unknown:
        throw .input(
          "input '\(name)' is \(type.text): dimension \(i) is open; "
            + "give its shape with --input-shapes \(name):...")
      }
    }
    return shape
  }

  /// Each input's name and type.
  package func inputTypes() throws(InputError) -> [(name: String, type: TensorType)] {
    var result: [(name: String, type: TensorType)] = []
    for id in inputs {
      guard let type = self[id].type else {
        throw .input("input '\(self[id].name)' has no type")
      }
      result.append((self[id].name, type))
    }
    return result
  }

  /// Throws unless a tensor of type `found` fits the declared type.
  package func check(
    _ found: TensorType, against type: TensorType, of name: String, from source: String = ""
  ) throws(InputError) {
    let fits =
      zip(type.dimensions ?? [], found.dimensions ?? []).allSatisfy { declared, given in
        declared.value.map { $0 == given.value } ?? true
      } && type.dimensions.map { $0.count == found.dimensions?.count } ?? true
    guard found.dtype == type.dtype, fits else {
      let place = source.isEmpty ? "" : " in \(source)"
      throw .input("input '\(name)' is \(type.text), found \(found.text)\(place)")
    }
  }

  package func unknownInput(_ name: String) -> String {
    let names = inputs.map { "'\(self[$0].name)'" }.joined(separator: ", ")
    return "there is no input '\(name)'; the inputs are \(names)"
  }
}
