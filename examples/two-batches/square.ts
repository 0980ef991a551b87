export default (number: string) => Number(number) ** 2;
