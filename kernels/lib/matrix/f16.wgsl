// Operands of matrix units in f16. Workgroup memory is made of words of four components, 8 bytes that travel as they are; where a
// fragment of sums (f32) lies in it, four of them take two words.
alias Word = vec2<u32>;
alias Component = f16;

const WORDS_PER_SUMS = 2u;
// 16 bytes behind each line: 8 lines that follow one another then start in 8 different groups of banks.
const PAD = 2u;

fn word_of(values: vec2<u32>) -> Word {
  return values;
}

fn four_sums(at: u32) -> vec4<f32> {
  return vec4<f32>(bitcast<vec2<f32>>(memory[at]), bitcast<vec2<f32>>(memory[at + 1u]));
}
