/// ONNX NonMaxSuppression: the best boxes of each class, without those that overlap a better one. Inputs:
/// boxes `[N, boxes, 4]`, scores `[N, classes, boxes]`, the most boxes of a class? (0), the largest
/// allowed intersection over union? (0), the score a box must exceed?. Output: int64 `[count, 3]` of
/// batch, class and box.
public struct NonMaxSuppression: Operator {
  /// Boxes are centre x, centre y, width, height; else two corners y, x, y, x.
  public var hasCenters = false

  public init() {}
  public var name: String { "NonMaxSuppression" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 2...5 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("center_point_box", &hasCenters)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let (boxes, scores) = (try context.dimensions(0), try context.dimensions(1))
    try ShapeRules.require(rank: boxes, 3...3, "boxes")
    try ShapeRules.require(rank: scores, 3...3, "scores")
    if let boxes, let scores {
      _ = try ShapeRules.unify(boxes[0], scores[0], what: "batches of boxes and scores")
      _ = try ShapeRules.unify(boxes[1], scores[2], what: "numbers of boxes and scores")
      _ = try ShapeRules.unify(boxes[2], .known(4), what: "numbers of a box")
    }
    return [TensorType(.int64, [.unknown, .known(3)])]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    _ = try types(x)
    let boxes = try x.doubles(0)
    let scores = try x.doubles(1)
    let limit = x.has(2) ? Swift.max(0, try x.integer(2)) : 0
    let overlap = x.has(3) ? try x.double(3) : 0
    let least = x.has(4) ? try x.double(4) : -.infinity
    let shape = try x.shape(1)
    let (classes, count) = (shape[1], shape[2])
    let areas = (0..<shape[0] * count).map { area(boxes[4 * $0..<4 * $0 + 4]) }
    var selected: [Int] = []
    for group in 0..<shape[0] * classes {
      let batch = group / classes
      let own = scores[group * count..<(group + 1) * count]
      let order = own.indices.filter { !x.has(4) || own[$0] > least }.sorted {
        own[$0] == own[$1] ? $0 < $1 : own[$0] > own[$1]
      }
      var kept: [Box] = []
      for index in order {
        guard kept.count < limit else { break }
        let box = areas[batch * count + index - own.startIndex]
        if kept.contains(where: { $0.overlap(box) > overlap }) { continue }
        kept.append(box)
        selected += [batch, group % classes, index - own.startIndex]
      }
    }
    return [Tensor(.int64, [selected.count / 3, 3], integers: selected)]
  }

  private struct Box {
    var left, top, right, bottom: Double
    var area: Double { (right - left) * (bottom - top) }

    /// Intersection over union; 0 where one of the boxes is empty.
    func overlap(_ other: Box) -> Double {
      let width = Swift.min(right, other.right) - Swift.max(left, other.left)
      let height = Swift.min(bottom, other.bottom) - Swift.max(top, other.top)
      guard width > 0, height > 0, area > 0, other.area > 0 else { return 0 }
      return width * height / (area + other.area - width * height)
    }
  }

  private func area(_ numbers: ArraySlice<Double>) -> Box {
    let n = Array(numbers)
    if hasCenters {
      return Box(
        left: n[0] - n[2] / 2, top: n[1] - n[3] / 2, right: n[0] + n[2] / 2,
        bottom: n[1] + n[3] / 2)
    }
    return Box(
      left: Swift.min(n[1], n[3]), top: Swift.min(n[0], n[2]), right: Swift.max(n[1], n[3]),
      bottom: Swift.max(n[0], n[2]))
  }
}
