/// The discrete Fourier transform of one length: in halves where the length is a power of two
/// (Cooley and Tukey 1965), else as a convolution of such a length (Bluestein 1970).
struct Fourier {
  /// Complex numbers, their parts in arrays of their own.
  struct Signal {
    var real: [Double]
    var imaginary: [Double]

    init(_ real: [Double], _ imaginary: [Double]) {
      (self.real, self.imaginary) = (real, imaginary)
    }

    init(zeros count: Int) {
      let zeros = [Double](repeating: 0, count: count)
      self.init(zeros, zeros)
    }

    var count: Int { real.count }

    mutating func multiply(_ i: Int, by other: Signal, _ j: Int) {
      let (a, b, c, d) = (real[i], imaginary[i], other.real[j], other.imaginary[j])
      (real[i], imaginary[i]) = (a * c - b * d, a * d + b * c)
    }
  }

  let length: Int
  /// exp(-2 pi i k / length), for powers of two.
  private let roots: Signal
  /// exp(-pi i k^2 / length), and its conjugate's transform at the padded length.
  private let chirp: Signal
  private let filter: Signal

  init(_ length: Int) {
    self.length = length
    func circle(_ count: Int, of full: Int, _ step: (Int) -> Int) -> Signal {
      let angles = (0..<count).map { -2 * Double.pi * Double(step($0)) / Double(full) }
      return Signal(angles.map { Math.cos($0) }, angles.map { Math.sin($0) })
    }
    if Self.isPowerOfTwo(length) {
      roots = circle(length / 2, of: length) { $0 }
      (chirp, filter) = (Signal(zeros: 0), Signal(zeros: 0))
      return
    }
    roots = Signal(zeros: 0)
    // The angle repeats every 2 * length: reduced, it stays exact.
    chirp = circle(length, of: 2 * length) { $0 * $0 % (2 * length) }
    var padded = 1
    while padded < 2 * length - 1 { padded *= 2 }
    var kernel = Signal(zeros: padded)
    for i in 0..<length {
      for place in [i, (padded - i) % padded] {
        kernel.real[place] = chirp.real[i]
        kernel.imaginary[place] = -chirp.imaginary[i]
      }
    }
    Fourier(padded).transform(&kernel)
    filter = kernel
  }

  private static func isPowerOfTwo(_ n: Int) -> Bool { n > 0 && n & (n - 1) == 0 }

  /// The sums of x[n] exp(-2 pi i k n / length), in place.
  func transform(_ x: inout Signal) {
    precondition(x.count == length)
    if Self.isPowerOfTwo(length) { halves(&x) } else if length > 0 { convolution(&x) }
  }

  /// The inverse, divided by the length.
  func inverse(_ x: inout Signal) {
    // Conjugated before and after, the transform is its own inverse.
    for i in 0..<length { x.imaginary[i] = -x.imaginary[i] }
    transform(&x)
    for i in 0..<length {
      x.real[i] /= Double(length)
      x.imaginary[i] /= -Double(length)
    }
  }

  private func halves(_ x: inout Signal) {
    var j = 0
    for i in 1..<Swift.max(length, 1) {  // bit-reversed order
      var bit = length >> 1
      while j & bit != 0 {
        j ^= bit
        bit >>= 1
      }
      j |= bit
      if i < j {
        x.real.swapAt(i, j)
        x.imaginary.swapAt(i, j)
      }
    }
    var half = 1
    while half < length {
      let step = length / (2 * half)
      for start in stride(from: 0, to: length, by: 2 * half) {
        for k in 0..<half {
          let (even, odd) = (start + k, start + k + half)
          x.multiply(odd, by: roots, k * step)
          let (a, b) = (x.real[odd], x.imaginary[odd])
          (x.real[odd], x.imaginary[odd]) = (x.real[even] - a, x.imaginary[even] - b)
          x.real[even] += a
          x.imaginary[even] += b
        }
      }
      half *= 2
    }
  }

  private func convolution(_ x: inout Signal) {
    var padded = Signal(zeros: filter.count)
    for i in 0..<length {
      x.multiply(i, by: chirp, i)
      (padded.real[i], padded.imaginary[i]) = (x.real[i], x.imaginary[i])
    }
    let inner = Fourier(filter.count)
    inner.transform(&padded)
    for i in 0..<padded.count { padded.multiply(i, by: filter, i) }
    inner.inverse(&padded)
    for i in 0..<length {
      (x.real[i], x.imaginary[i]) = (padded.real[i], padded.imaginary[i])
      x.multiply(i, by: chirp, i)
    }
  }
}
