import SparrowCore

extension Model {
  /// Runs both models over every sample and compares their first outputs, a vector a sample; labels
  /// are not looked at.
  ///
  /// Two vectors of zeros are alike (cosine 1); where one is, or holds what is not a number, the
  /// cosine is 0. `progress` is told the samples done. Throws when the outputs differ in width.
  public func evaluate(
    on samples: SampleSource, against reference: Model,
    options: EvaluationOptions = EvaluationOptions(), progress: (Int) -> Void = { _ in }
  ) throws(SparrowError) -> Evaluation {
    let own = try OutputVectors(self, samples, options)
    let other = try OutputVectors(reference, try samples.fitted(to: reference), options)
    let clock = ContinuousClock()
    let start = clock.now
    var (sum, least, agreeing) = (0.0, 1.0, 0)
    let step = own.step(options)
    for first in stride(from: 0, to: samples.count, by: step) {
      let range = first..<min(first + step, samples.count)
      let (a, b) = (try own.rows(range), try other.rows(range))
      guard a.width == b.width else {
        throw .badInput(
          "the first output of \(path) has \(a.width) elements a sample, that of \(reference.path) "
            + "\(b.width): they cannot be compared")
      }
      for row in 0..<range.count {
        let similarity = Self.cosine(a[row], b[row])
        sum += similarity
        least = min(least, similarity)
        let place = Self.largest(a[row])
        agreeing += place != nil && place == Self.largest(b[row]) ? 1 : 0
      }
      progress(range.upperBound)
    }
    let count = Double(max(1, samples.count))
    return Evaluation(
      model: path, data: samples.path, samples: samples.count, seconds: (clock.now - start).seconds,
      reference: reference.path, agreement: Double(agreeing) / count, mean_cosine: sum / count,
      least_cosine: least)
  }

  static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    var (product, ofA, ofB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += Double(x) * Double(y)
      ofA += Double(x) * Double(x)
      ofB += Double(y) * Double(y)
    }
    if ofA == 0 && ofB == 0 { return 1 }
    let cosine = product / (ofA.squareRoot() * ofB.squareRoot())
    return cosine.isNaN ? 0 : max(-1, min(1, cosine))
  }

  /// The place of the largest element, the first of equals; nil where one is not a number.
  private static func largest(_ values: ArraySlice<Float>) -> Int? {
    var (place, best) = (0, -Float.infinity)
    for (i, value) in values.enumerated() {
      if value.isNaN { return nil }
      if value > best { (place, best) = (i, value) }
    }
    return place
  }
}
