/// The terms of an Einsum equation: `bij,bjk->bik`, `...ii->...i`.
package struct EinsumEquation {
  /// The labels of one operand's axes; an ellipsis stands for any number between them.
  struct Term: Hashable {
    var before: [UInt8] = []
    var after: [UInt8] = []
    var hasEllipsis = false

    /// A label an axis; those of the ellipsis are numbered from the last, beyond all letters.
    func labels(rank: Int) throws(InferenceError) -> [Int] {
      let open = rank - before.count - after.count
      guard open == 0 || open > 0 && hasEllipsis else {
        throw InferenceError(
          "a term of the equation has \(before.count + after.count) labels, its operand rank \(rank)"
        )
      }
      return labels(ellipsis: open)
    }

    func labels(ellipsis count: Int) -> [Int] {
      let inner = hasEllipsis ? (0..<count).reversed().map { 256 + $0 } : []
      return before.map { Int($0) } + inner + after.map { Int($0) }
    }
  }

  let inputs: [Term]
  let output: Term

  package init(_ equation: String) throws(InferenceError) {
    let text = equation.utf8.filter { $0 != UInt8(ascii: " ") }
    var sides: [[UInt8]] = [[]]
    for (i, character) in text.enumerated() {
      if character == UInt8(ascii: "-") {
        guard i + 1 < text.count, text[i + 1] == UInt8(ascii: ">"), sides.count == 1 else {
          throw InferenceError("the equation '\(equation)' has a stray '-'")
        }
        sides.append([])
      } else if character != UInt8(ascii: ">") || i == 0 || text[i - 1] != UInt8(ascii: "-") {
        sides[sides.count - 1].append(character)
      }
    }
    var terms: [Term] = []
    for part in sides[0].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      terms.append(try Self.term(Array(part), equation))
    }
    inputs = terms
    if sides.count == 2 {
      let output = try Self.term(sides[1], equation)
      let made = output.before + output.after
      let known = terms.flatMap { $0.before + $0.after }
      for (i, label) in made.enumerated() where made[..<i].contains(label) || !known.contains(label)
      {
        throw InferenceError("the equation '\(equation)' has a wrong label in its output")
      }
      self.output = output
    } else {
      output = Self.implicitOutput(terms)
    }
  }

  /// Without an arrow: the ellipsis, then the labels that occur once, in alphabetical order.
  private static func implicitOutput(_ terms: [Term]) -> Term {
    let all = terms.flatMap { $0.before + $0.after }.sorted()
    let single = all.indices.filter { i in
      (i == 0 || all[i - 1] != all[i]) && (i + 1 == all.count || all[i + 1] != all[i])
    }
    return Term(after: single.map { all[$0] }, hasEllipsis: terms.contains { $0.hasEllipsis })
  }

  private static func term(_ text: [UInt8], _ equation: String) throws(InferenceError) -> Term {
    var term = Term()
    var i = 0
    while i < text.count {
      let character = text[i]
      let isLetter =
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= character
        || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= character
      if isLetter {
        if term.hasEllipsis { term.after.append(character) } else { term.before.append(character) }
        i += 1
      } else {
        let dots = text[i..<Swift.min(i + 3, text.count)]
        guard !term.hasEllipsis, dots.count == 3, dots.allSatisfy({ $0 == UInt8(ascii: ".") })
        else { throw InferenceError("the equation '\(equation)' cannot be read") }
        term.hasEllipsis = true
        i += 3
      }
    }
    return term
  }

  /// The labels of every operand's axes and of the output's; nil where a rank must be known.
  func labels(
    _ ranks: [Int?]
  ) throws(InferenceError) -> (operands: [[Int]?], output: [Int]?) {
    guard ranks.count == inputs.count else {
      throw InferenceError("the equation has \(inputs.count) terms, the node \(ranks.count) inputs")
    }
    var operands: [[Int]?] = []
    var open: Int? = 0
    for (term, rank) in zip(inputs, ranks) {
      guard let rank else {
        operands.append(nil)
        if term.hasEllipsis { open = nil }
        continue
      }
      operands.append(try term.labels(rank: rank))
      if term.hasEllipsis {
        open = open.map { Swift.max($0, rank - term.before.count - term.after.count) }
      }
    }
    if !output.hasEllipsis { return (operands, output.labels(ellipsis: 0)) }
    return (operands, open.map { output.labels(ellipsis: $0) })
  }
}

/// An Einsum of concrete shapes: sums over some labels of products, for every position of the others.
package struct EinsumLoops {
  /// The lengths of the output's axes, and of those that are summed over.
  package var output: [Int] = []
  package var summed: [Int] = []
  /// Each operand's strides along them, in elements; 0 along the axes it does not have.
  package var outputStrides: [[Int]] = []
  package var summedStrides: [[Int]] = []

  package init(_ equation: EinsumEquation, _ shapes: [[Int]]) throws(InferenceError) {
    let labels = try equation.labels(shapes.map { $0.count })
    let axes = labels.operands.map { $0 ?? [] }
    let kept = labels.output ?? []
    var lengths: [(label: Int, length: Int)] = []
    for (own, shape) in zip(axes, shapes) {
      for (label, length) in zip(own, shape) {
        guard let known = lengths.firstIndex(where: { $0.label == label }) else {
          lengths.append((label, length))
          continue
        }
        if lengths[known].length == 1 { lengths[known].length = length }
        guard length == 1 || length == lengths[known].length else {
          throw InferenceError(
            "axes of lengths \(lengths[known].length) and \(length) have the same label")
        }
      }
    }
    let others = lengths.filter { !kept.contains($0.label) }
    output = kept.map { label in lengths.first { $0.label == label }?.length ?? 1 }
    summed = others.map { $0.length }
    for (own, shape) in zip(axes, shapes) {
      let strides = shape.rowMajorStrides
      func stride(_ label: Int) -> Int {
        // A label that occurs twice walks along the diagonal.
        own.indices.reduce(0) { own[$1] == label && shape[$1] != 1 ? $0 + strides[$1] : $0 }
      }
      outputStrides.append(kept.map(stride))
      summedStrides.append(others.map { stride($0.label) })
    }
  }
}
