/// Some of a data set's classes, which get the labels 0, 1, ... in the order they are named in.
public struct ClassSelection: Hashable, Sendable {
  /// The most classes that are selected.
  private static let largestCount = 65_536
  private static let largestLabel = 1 << 30

  /// The labels that they have in the data, each once.
  public let labels: [Int]

  /// Throws where there is none, or one is named twice.
  public init(_ labels: [Int]) throws(SparrowError) {
    guard !labels.isEmpty, labels.count <= Self.largestCount, Set(labels).count == labels.count
    else {
      throw .badSetting(
        "--classes names \(labels.count) classes, \(Set(labels).count) of them different, expected 1 to "
          + "\(Self.largestCount), each once")
    }
    self.labels = labels
  }

  /// Reads labels and ranges of them: `0-4`, `3,5,9`, `0-2,7`.
  public init(_ text: String) throws(SparrowError) {
    var labels: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        (0...Self.largestLabel).contains(first), (first...Self.largestLabel).contains(last),
        last - first < Self.largestCount - labels.count
      else {
        throw .badSetting(
          "--classes: '\(part)' is not understood, expected labels and ranges such as 0-4 or 3,5,9")
      }
      labels += first...last
    }
    try self.init(labels)
  }
}

extension SampleSource {
  /// The samples of the classes, in their order, with the labels that the selection gives them.
  ///
  /// Throws where no sample is of one of them.
  public func selecting(_ classes: ClassSelection) throws(SparrowError) -> SampleSource {
    guard let labels else {
      throw .badInput("\(path): there are no labels to select classes by")
    }
    var numbers: [Int: Int] = [:]
    for (i, label) in classes.labels.enumerated() { numbers[label] = i }
    let chosen = labels.indices.filter { numbers[labels[$0]] != nil }
    guard !chosen.isEmpty else {
      let range = (labels.min() ?? 0, labels.max() ?? 0)
      throw .badInput(
        "\(path): no sample is of the classes that are selected, labels are \(range.0) to \(range.1)"
      )
    }
    let selected = choosing(chosen)
    return SampleSource(
      selected.origin, labels: selected.labels?.map { numbers[$0] ?? 0 }, rows: selected.rows,
      path: path)
  }
}
